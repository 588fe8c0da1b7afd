import { Worker } from 'node:worker_threads'
import { type CheckedPolicy, checkedPolicy } from './document/checked-policy.ts'
import type { PolicyContext } from './document/context.ts'
import type { PolicyProblems } from './document/problems.ts'

export type ToRead = { readonly text: string; readonly file: string; readonly context: PolicyContext }

export type FromReadThread =
  | { readonly problems: PolicyProblems }
  /** Some of the documents, by id. */
  | { readonly documents: readonly (readonly [string, string])[] }
  | 'done'

/** Megabytes of the young generation: what is read lives on for a while, and a small nursery would have it copied again and again. */
const nurseryMegabytes = 128

/** `readPolicy` in a thread of its own: a policy of 100,000 customers takes many seconds, and this one has other things to do. */
export function readInThread(toRead: ToRead): Promise<CheckedPolicy | PolicyProblems> {
  return new Promise((resolve, reject) => {
    const documents = new Map<string, string>()
    const worker = new Worker(new URL('./read-thread.ts', import.meta.url), {
      workerData: toRead,
      // Flags of the process, such as a program text on its command line, are not for its threads.
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: nurseryMegabytes },
    })
    worker.on('message', (message: FromReadThread) => {
      if (message === 'done') resolve(checkedPolicy(documents))
      else if ('problems' in message) resolve(message.problems)
      else for (const [id, document] of message.documents) documents.set(id, document)
    })
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('the policy could not be read to its end')))
  })
}
