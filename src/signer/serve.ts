import type { Readable, Writable } from 'node:stream'
import { systemClock } from '../platform/clock.ts'
import { Desk } from './desk.ts'
import { encodeFrame, type Frame, FrameReader } from './frames.ts'
import type { SigningAnswer } from './protocol.ts'
import { decodeHello, decodeKey, decodePolicyChange, decodeRequest, encodeAnswer, frameKind } from './wire.ts'
import { fetchWrappingKey } from './wrapping-place.ts'

/** The two ends of the pipe to the relay, and the way out. */
export type Pipe = {
  readonly input: Readable
  readonly output: Writable
  /** Ends the process; `complaint` goes to standard error. */
  readonly leave: (complaint: string | null) => void
}

/** Serves one relay until its end of the pipe closes. */
export function serve({ input, output, leave }: Pipe): void {
  const reader = new FrameReader()
  const answers = new AnswerWriter(output)
  let desk: Desk | null = null
  input.on('data', (chunk: Buffer) => {
    const frames = reader.push(chunk)
    if (frames === null) return leave('the pipe holds no frames')
    for (const [index, frame] of frames.entries()) {
      if (desk === null) {
        desk = openDesk(frame, leave)
        if (desk === null) return
        output.write(encodeFrame(frameKind.ready, []))
      } else if (!take(frame, desk, answers, index < frames.length - 1)) {
        return leave('the pipe holds a frame that is not of this protocol')
      }
    }
    answers.flush()
  })
  input.on('end', () => leave(null))
  input.on('error', () => leave(null))
  output.on('error', () => leave(null))
}

function openDesk(frame: Frame, leave: Pipe['leave']): Desk | null {
  const hello = frame.kind === frameKind.hello ? decodeHello(frame.payload) : null
  if (hello === null) {
    leave('the first frame is not a greeting')
    return null
  }
  try {
    const desk = new Desk(hello.sealKey, fetchWrappingKey(hello.wrapping), systemClock)
    giveUpPowers()
    return desk
  } catch (error) {
    leave(error instanceof Error ? error.message : 'the wrapping key cannot be read')
    return null
  }
}

/** false: the frame makes no sense. */
function take(frame: Frame, desk: Desk, answers: AnswerWriter, othersWait: boolean): boolean {
  if (frame.kind === frameKind.policy) {
    const change = decodePolicyChange(frame.payload)
    if (change !== null) desk.apply(change)
    return change !== null
  }
  if (frame.kind === frameKind.key) {
    const key = decodeKey(frame.payload)
    if (key !== null) desk.hold(key)
    return key !== null
  }
  const request = frame.kind === frameKind.sign ? decodeRequest(frame.payload) : null
  if (request === null) return false
  const answer = desk.answer(request, othersWait)
  if (answer instanceof Promise) void answer.then((late) => answers.add(request.id, late))
  else answers.add(request.id, answer)
  return true
}

/** Where the runtime can (Node.js 26), reading files and starting programs is given up for good once the wrapping key is read. */
function giveUpPowers(): void {
  const permission = process.permission as { readonly drop?: (scope: string) => void } | undefined
  for (const scope of ['fs.read', 'fs.write', 'child', 'net', 'worker']) permission?.drop?.(scope)
}

/** Collects the answers of one turn of the event loop into one write. */
class AnswerWriter {
  readonly #output: Writable
  #waiting: Buffer[] = []
  #scheduled = false

  constructor(output: Writable) {
    this.#output = output
  }

  add(id: number, answer: SigningAnswer): void {
    this.#waiting.push(encodeAnswer(id, answer))
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.flush()
    })
  }

  flush(): void {
    if (this.#waiting.length === 0) return
    const batch = this.#waiting
    this.#waiting = []
    this.#output.write(batch.length === 1 ? (batch[0] as Buffer) : Buffer.concat(batch))
  }
}
