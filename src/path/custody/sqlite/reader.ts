import type { MessagePort } from 'node:worker_threads'
import { ReaderStore } from './reader-store.ts'
import { bodyDirectory, openForReading } from './schema.ts'
import { type Answered, type FromThread, type ToThread, errorAnswer, errorWords } from './thread-protocol.ts'
import type { ReadRequest } from './wire.ts'

export type ReaderData = { readonly directory: string; readonly shard: number }

/** The thread that answers questions, so that none waits behind the disk of the one that writes. Each sees what was committed before it. */
export function runReader(port: MessagePort, data: ReaderData): void {
  const send = (message: FromThread<null>, transfer: ArrayBuffer[] = []): void => port.postMessage(message, transfer)
  let db: ReturnType<typeof openForReading>
  let store: ReaderStore
  try {
    db = openForReading(data.directory)
    store = new ReaderStore(db, data.shard, bodyDirectory(data.directory))
  } catch (error) {
    send({ failed: errorWords(error) })
    port.close()
    return
  }
  port.on('message', (message: ToThread<ReadRequest>) => {
    if (message === 'close') {
      db.close()
      port.close()
      return
    }
    const transfer: ArrayBuffer[] = []
    const answers = message.requests.map((request) => answer(store, request, transfer))
    send({ answers }, transfer)
  })
  send({ opened: null })
}

function answer(store: ReaderStore, request: ReadRequest, transfer: ArrayBuffer[]): Answered {
  try {
    const value = store.answer(request)
    if (value !== null && typeof value === 'object') handOver(value, transfer)
    return { value }
  } catch (error) {
    return errorAnswer(error)
  }
}

/** A body changes hands without being copied, where it is alone in its memory. */
function handOver(value: object, transfer: ArrayBuffer[]): void {
  if (!('bytes' in value) || !(value.bytes instanceof Uint8Array)) return
  const { buffer, byteLength } = value.bytes
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) transfer.push(buffer)
}
