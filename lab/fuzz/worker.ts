import { parentPort, workerData } from 'node:worker_threads'
import { runTarget, shares } from './run.ts'
import { targets } from './targets/all.ts'

/** What a worker is told: its part of the inputs, and where it says on which one it is. */
export type WorkerData = {
  readonly seed: number
  readonly inputs: number
  readonly worker: number
  readonly workers: number
  /** Two numbers: which target, which input. */
  readonly place: Int32Array<SharedArrayBuffer>
}

const { seed, inputs, worker, workers, place } = workerData as WorkerData
for (const [at, [target, count]] of shares(targets, inputs).entries()) {
  place[0] = at
  const outcome = runTarget(target, { seed, from: worker, to: count, step: workers }, (input) => {
    place[1] = input
  })
  parentPort?.postMessage(outcome)
}
