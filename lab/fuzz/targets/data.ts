import { createHash } from 'node:crypto'
import { DataReader, type DataOutcome } from '../../../src/standards/smtp/data-reader.ts'
import { stuffDots } from '../../../src/standards/smtp/dot-stuffing.ts'
import type { Chance } from '../chance.ts'
import { type Target, cut, must } from '../target.ts'

const wide = { maxMessageBytes: 10_000_000, maxHeaderBytes: 10_000_000, maxHeaderFields: 10_000_000 }

/** What follows 354: read as it comes, compared with a reading of the whole, sent on and read again. */
export const data: Target = {
  name: 'data',
  weight: 18,
  longest: 60_000,
  seeds: [
    'From: a@b.example\r\nTo: c@d.example\r\n\r\nbody\r\n..dots\r\n.\r\nMAIL FROM:<x@y.example>\r\n',
    'A: b\r\n\r\n.\r\n',
    'A: b\r\n c\r\n\r\n\r\n\r\n.\r\nQUIT\r\n',
    'A: b\r\n.\r\n',
    '.\r\n',
    '\r\nno header\r\n.\r\n',
    'A: b\r\n\r\nx\n.\nMAIL FROM:<>\r\n.\r\n',
    'A: b\r\n\r\nx\r.\r\r\n.\r\n',
    'A: b\r\n\r\n..\r\n...\r\n.x\r\n.\r\n',
  ],
  words: ['\r\n.\r\n', '\r\n..\r\n', '\n.\r\n', '\r.\r\n', '\r\n.\n', '\r\n.\r', '.\r\n', '\r\n\r\n', '\r\r\n', '..'],
  check(input, chance) {
    const limits = chance.happens(0.6)
      ? wide
      : { maxMessageBytes: chance.below(200), maxHeaderBytes: chance.below(100), maxHeaderFields: chance.below(6) }
    const read = readAll(input, limits, chance)
    if (limits !== wide) return mustRespect(read.outcome, limits)
    const expected = readWhole(input.toString('latin1'))
    must(read.end === expected.end, `the data ends at ${expected.end}, not at ${read.end}`)
    const found = described(read.outcome)
    must(found === expected.is, `the data is ${expected.is.slice(0, 200)}, not ${found.slice(0, 200)}`)
    if (read.outcome?.kind === 'message') mustGoOn(read.outcome, chance)
  },
}

/** Any octets through the stuffer: it throws where it must, and what comes out keeps the line discipline. */
export const stuffer: Target = {
  name: 'stuffer',
  weight: 6,
  longest: 60_000,
  seeds: ['a\r\n.b\r\n..\r\n', '.\r\n', '', 'x\r\n', 'a\nb\r\n', 'a\rb\r\n', 'a'],
  words: ['\r\n.', '\r\n', '.', '\n', '\r'],
  check(input, chance) {
    const text = input.toString('latin1')
    const fit = (text === '' || text.endsWith('\r\n')) && keepsDiscipline(text)
    let wire: string | null = null
    try {
      wire = Buffer.concat([...stuffDots(cut(input, chance))]).toString('latin1')
    } catch {
      wire = null
    }
    must((wire !== null) === fit, fit ? 'what is fit is sent' : 'what breaks the line discipline is not sent')
    if (wire === null) return
    must(keepsDiscipline(wire), 'no bare CR, bare LF or NUL goes out')
    must(
      wire.endsWith('.\r\n') && `\r\n${wire}`.indexOf('\r\n.\r\n') === wire.length - 3,
      'the data ends once, at its end',
    )
  },
}

function keepsDiscipline(text: string): boolean {
  return !/\r(?!\n)|(?<!\r)\n|\0/.test(text)
}

type Read = { readonly outcome: DataOutcome | null; readonly end: number | null }

function readAll(input: Buffer, limits: typeof wide, chance: Chance): Read {
  const hash = createHash('sha256')
  const reader = new DataReader(limits, { update: (chunk) => void hash.update(chunk), digest: () => hash.digest() })
  let at = 0
  for (const piece of cut(input, chance)) {
    const taken = reader.push(piece)
    if (taken !== -1) {
      must(taken >= 0 && taken <= piece.length, 'a reader takes no more than it is given')
      return { outcome: reader.outcome, end: at + taken }
    }
    at += piece.length
  }
  return { outcome: reader.outcome, end: null }
}

/** What the data must be, by a reading of the whole text at once. */
function readWhole(text: string): { readonly is: string; readonly end: number | null } {
  const broken = firstBreak(text)
  const end = text.startsWith('.\r\n') ? 3 : endBehind(text, 0)
  if (broken !== null && (end === null || broken < end)) {
    const drained = endBehind(text, broken)
    return { is: drained === null ? 'not ended' : 'fault line-endings', end: drained }
  }
  if (end === null) return { is: 'not ended', end }
  const lines = text
    .slice(0, end - 3)
    .split('\r\n')
    .slice(0, -1)
  const empty = lines.indexOf('')
  const plain = lines.map((line) => `${line.startsWith('.') ? line.slice(1) : line}\r\n`)
  const header = plain.slice(0, empty === -1 ? undefined : empty).join('')
  if (header === '') return { is: 'fault message-malformed', end }
  const body = empty === -1 ? '' : plain.slice(empty + 1).join('')
  return { is: `message ${header}|${body}|${header.length + body.length + (empty === -1 ? 0 : 2)}`, end }
}

function endBehind(text: string, from: number): number | null {
  const at = text.indexOf('\r\n.\r\n', from)
  return at === -1 ? null : at + 5
}

/** Where the line discipline breaks: at the octet behind a CR that is no LF, at a LF without a CR, or at a NUL. */
function firstBreak(text: string): number | null {
  const at = /\r[^\n]|(?<!\r)\n|\0/.exec(text)
  if (at === null) return null
  return at[0].length === 2 ? at.index + 1 : at.index
}

function described(outcome: DataOutcome | null): string {
  if (outcome === null) return 'not ended'
  if (outcome.kind === 'fault') return `fault ${outcome.fault.kind}`
  const body = Buffer.concat([...outcome.body])
  const hash = createHash('sha256').update(body).digest()
  must(hash.equals(outcome.bodyHash), 'what is hashed is the body')
  const header = outcome.header.toString('latin1')
  must(/[^\0-\x7f]/.test(header + body.toString('latin1')) === outcome.eightBit, '8-bit data is told')
  return `message ${header}|${body.toString('latin1')}|${outcome.size}`
}

function mustRespect(outcome: DataOutcome | null, limits: typeof wide): void {
  if (outcome?.kind !== 'message') return
  must(outcome.size <= limits.maxMessageBytes, 'no message is larger than the limit')
  must(outcome.header.length <= limits.maxHeaderBytes, 'no header section is larger than the limit')
  const lines = outcome.header.toString('latin1').split('\r\n').slice(0, -1)
  const fields = lines.filter((line) => !/^[ \t]/.test(line)).length
  must(fields <= limits.maxHeaderFields, 'no header section has more fields than the limit')
}

/** As many messages out as in: what was read is sent, and read by another as the same message and nothing more. */
function mustGoOn(outcome: Extract<DataOutcome, { kind: 'message' }>, chance: Chance): void {
  const crlf = Buffer.from('\r\n')
  const wire = Buffer.concat([...stuffDots([outcome.header, crlf, ...outcome.body])])
  must(keepsDiscipline(wire.toString('latin1')), 'no bare CR, bare LF or NUL goes out')
  const again = readAll(wire, wide, chance)
  must(again.end === wire.length && again.outcome?.kind === 'message', 'one message in is one message out')
  must(again.outcome.header.equals(outcome.header), 'the header section goes out as it came')
  must(Buffer.concat([...again.outcome.body]).equals(Buffer.concat([...outcome.body])), 'the body goes out as it came')
}
