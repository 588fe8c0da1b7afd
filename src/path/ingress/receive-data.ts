import { RelaxedBodyHash } from '../../standards/dkim/relaxed-body-hash.ts'
import { type DataFault, type DataOutcome, DataReader } from '../../standards/smtp/data-reader.ts'
import type { BytesInFlight } from './budget.ts'
import type { ReceivedMessage } from './gate.ts'
import type { Service } from './step.ts'
import type { Wire } from './wire.ts'

export type Received =
  | { readonly kind: 'message'; readonly message: ReceivedMessage }
  /** `drained`: the end of the data was found, so the next octets are commands. */
  | { readonly kind: 'fault'; readonly fault: Exclude<DataFault, { kind: 'abandoned' }>; readonly drained: boolean }
  | { readonly kind: 'no-room'; readonly drained: boolean }
  | { readonly kind: 'stopped' }

/** Octets of one message as the shared budget sees them. */
export class Holding {
  readonly #bytes: BytesInFlight
  #held = 0

  constructor(bytes: BytesInFlight) {
    this.#bytes = bytes
  }

  adjustTo(octets: number): void {
    if (octets > this.#held) this.#bytes.take(octets - this.#held)
    else this.#bytes.giveBack(this.#held - octets)
    this.#held = octets
  }
}

/**
 * Reads a message off the wire. While the shared budget is exceeded nothing more is read; when that does not end, this message is given
 * up, so that those that have come further can finish. A client must keep up a minimum rate over the whole.
 */
export async function receiveData(wire: Wire, service: Service, holding: Holding): Promise<Received> {
  const { limits, budget } = service.options
  const { patience } = service
  const reader = new DataReader(limits, new RelaxedBodyHash())
  const idleMs = limits.idleTimeoutSeconds * 1000
  let octets = 0
  let deadline = performance.now() + idleMs
  while (reader.outcome === null) {
    const slowest = deadline + (octets / patience.minDataOctetsPerSecond) * 1000
    const read = await wire.readChunk(Math.min(slowest, performance.now() + idleMs))
    if (read.kind === 'stopped') return { kind: 'stopped' }
    const end = reader.push(read.chunk)
    octets += read.chunk.length
    if (end !== -1 && end < read.chunk.length) wire.unread(read.chunk.subarray(end))
    holding.adjustTo(reader.held)
    if (reader.outcome === null && reader.held > 0 && !budget.bytes.hasRoomFor(0)) {
      const waitedFrom = performance.now()
      if (!(await budget.bytes.whenRoom(patience.budgetWaitMs))) reader.abandon()
      holding.adjustTo(reader.held)
      deadline += performance.now() - waitedFrom
    }
  }
  return receivedOf(reader.outcome)
}

function receivedOf(outcome: DataOutcome): Received {
  if (outcome.kind === 'fault') {
    return outcome.fault.kind === 'abandoned'
      ? { kind: 'no-room', drained: outcome.drained }
      : { kind: 'fault', fault: outcome.fault, drained: outcome.drained }
  }
  const { header, body, size, bodyHash, eightBit } = outcome
  return { kind: 'message', message: { header, body, size, relaxedBodyHash: bodyHash, eightBit } }
}
