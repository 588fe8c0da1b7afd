import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DataReader, type DataFault, type DataLimits, type DataOutcome } from './data-reader.ts'

const limits: DataLimits = { maxMessageBytes: 100_000, maxHeaderBytes: 10_000, maxHeaderFields: 20 }

class PlainHash {
  readonly #hash = createHash('sha256')
  update(chunk: Buffer): void {
    this.#hash.update(chunk)
  }
  digest(): Buffer {
    return this.#hash.digest()
  }
}

type Read = { readonly outcome: DataOutcome | null; readonly rest: string }

/** Feeds the wire cut at the given offsets, each chunk in memory of its own, since the reader owns what it is given. */
function read(wire: string, cuts: readonly number[] = [], with_: DataLimits = limits): Read {
  const reader = new DataReader(with_, new PlainHash())
  let from = 0
  for (const cut of [...cuts, wire.length]) {
    const end = reader.push(Buffer.from(wire.slice(from, cut), 'latin1'))
    if (end !== -1) return { outcome: reader.outcome, rest: wire.slice(from + end) }
    from = cut
  }
  return { outcome: reader.outcome, rest: '' }
}

function everyOctet(wire: string): number[] {
  return Array.from({ length: Math.max(0, wire.length - 1) }, (_, index) => index + 1)
}

function textOf(outcome: DataOutcome | null): { header: string; body: string } {
  if (outcome?.kind !== 'message') throw new Error(`no message but ${JSON.stringify(outcome)}`)
  return { header: outcome.header.toString('latin1'), body: Buffer.concat(outcome.body).toString('latin1') }
}

function faultOf(wire: string, with_: DataLimits = limits): DataFault | null {
  const { outcome } = read(wire, [], with_)
  return outcome?.kind === 'fault' ? outcome.fault : null
}

/** What the reader must say, written down a second time with strings. */
function oracle(wire: string): { fault: true; rest: string } | { header: string; body: string; rest: string } | null {
  const padded = `\r\n${wire}`
  const end = padded.indexOf('\r\n.\r\n')
  const data = end === -1 ? padded : padded.slice(0, end + 2)
  if (end === -1) return null
  const rest = padded.slice(end + 5)
  if (/\r(?!\n)|(?<!\r)\n|\0/.test(data)) return { fault: true, rest }
  const text = data.slice(2).replace(/(^|\r\n)\./g, '$1')
  const raw = data.slice(2)
  const rawEmpty = `\r\n${raw}`.indexOf('\r\n\r\n')
  if (rawEmpty === -1) return text === '' ? { fault: true, rest } : { header: text, body: '', rest }
  const header = raw.slice(0, rawEmpty).replace(/(^|\r\n)\./g, '$1')
  const body = raw.slice(rawEmpty + 2).replace(/(^|\r\n)\./g, '$1')
  return header === '' ? { fault: true, rest } : { header, body, rest }
}

describe('a clean message', () => {
  const wire = 'Subject: x\r\n folded\r\n..To: y\r\n\r\nhello\r\n..two\r\n.\u00e9\r\n\r\nend\r\n.\r\nMAIL FROM:<>\r\n'
  const expected = {
    header: 'Subject: x\r\n folded\r\n.To: y\r\n',
    body: 'hello\r\n.two\r\n\u00e9\r\n\r\nend\r\n',
  }

  test('is split at the first empty line, unstuffed once, and hashed', () => {
    const { outcome, rest } = read(wire)
    expect(textOf(outcome)).toEqual(expected)
    expect(rest).toBe('MAIL FROM:<>\r\n')
    if (outcome?.kind !== 'message') throw new Error('unreachable')
    expect(outcome.size).toBe(expected.header.length + 2 + expected.body.length)
    expect(outcome.eightBit).toBe(true)
    expect(outcome.bodyHash).toEqual(createHash('sha256').update(expected.body, 'latin1').digest())
  })

  test('is the same wherever it is cut', () => {
    for (let cut = 1; cut < wire.length; cut++) expect(textOf(read(wire, [cut]).outcome)).toEqual(expected)
    for (let cut = 1; cut < wire.length - 1; cut++) {
      expect(textOf(read(wire, [cut, cut + 1]).outcome)).toEqual(expected)
    }
    expect(textOf(read(wire, everyOctet(wire)).outcome)).toEqual(expected)
  })

  test('may be a header section alone, or have an empty body', () => {
    expect(textOf(read('A: b\r\n.\r\n').outcome)).toEqual({ header: 'A: b\r\n', body: '' })
    expect(textOf(read('A: b\r\n\r\n.\r\n').outcome)).toEqual({ header: 'A: b\r\n', body: '' })
  })

  test('is not told to be 8-bit when it is not', () => {
    const { outcome } = read('A: b\r\n\r\nplain\r\n.\r\n')
    expect(outcome?.kind === 'message' && outcome.eightBit).toBe(false)
  })
})

describe('line endings', () => {
  test.each([
    ['bare LF', 'A: b\r\n\r\nx\ny\r\n.\r\n'],
    ['bare CR', 'A: b\r\n\r\nx\ry\r\n.\r\n'],
    ['CR CR LF', 'A: b\r\n\r\nx\r\r\n.\r\n'],
    ['NUL', 'A: b\r\n\r\nx\u0000\r\n.\r\n'],
    ['LF dot LF', 'A: b\r\n\r\nx\n.\nMAIL\r\n.\r\n'],
    ['LF dot CRLF', 'A: b\r\n\r\nx\n.\r\nMAIL\r\n.\r\n'],
    ['CRLF dot LF', 'A: b\r\n\r\nx\r\n.\nMAIL\r\n.\r\n'],
    ['CRLF dot CR', 'A: b\r\n\r\nx\r\n.\rMAIL\r\n.\r\n'],
    ['CRLF dot CR CRLF', 'A: b\r\n\r\nx\r\n.\r\r\nMAIL\r\n.\r\n'],
    ['in the header', 'A: b\nC: d\r\n\r\n.\r\n'],
    ['at the empty line', 'A: b\r\n\rx\r\n.\r\n'],
    ['at once', '\n\r\n.\r\n'],
    ['before the end, where its CR takes part', 'A: b\r\n\r\nx\r\r\n.\r\n'],
  ])('%s is a fault, and the data ends at CRLF.CRLF all the same', (_, data) => {
    const wire = `${data}QUIT\r\n`
    const expected: Read = {
      outcome: { kind: 'fault', fault: { kind: 'line-endings' }, drained: true },
      rest: 'QUIT\r\n',
    }
    expect(read(wire)).toEqual(expected)
    for (let cut = 1; cut < data.length; cut++) expect(read(wire, [cut])).toEqual(expected)
    expect(read(wire, everyOctet(wire))).toEqual(expected)
  })

  test('a fault behind the end of the data is not this message’s', () => {
    expect(textOf(read('A: b\r\n.\r\n\n\u0000').outcome)).toEqual({ header: 'A: b\r\n', body: '' })
  })

  test('discarding is bounded', () => {
    const { outcome } = read(`A: b\n${'x'.repeat(2 * limits.maxMessageBytes)}`)
    expect(outcome).toEqual({ kind: 'fault', fault: { kind: 'line-endings' }, drained: false })
  })
})

describe('limits', () => {
  const small: DataLimits = { maxMessageBytes: 100, maxHeaderBytes: 30, maxHeaderFields: 3 }
  const body = (octets: number): string => `A: b\r\n\r\n${'x'.repeat(octets - 10)}\r\n.\r\n`

  test('a message of exactly the limit is taken, one octet more is not', () => {
    expect(read(body(100), [], small).outcome?.kind).toBe('message')
    expect(faultOf(body(101), small)).toEqual({ kind: 'message-too-big', limit: 100 })
  })

  test('the empty line counts, also where nothing follows it', () => {
    const header = `A: ${'b'.repeat(20)}\r\n`
    const exact = { ...small, maxMessageBytes: header.length + 2 }
    expect(read(`${header}\r\n.\r\n`, [], exact).outcome?.kind).toBe('message')
    expect(faultOf(`${header}\r\n.\r\n`, { ...exact, maxMessageBytes: header.length + 1 })?.kind).toBe(
      'message-too-big',
    )
  })

  test('dots that are removed do not count', () => {
    expect(read(`A: b\r\n\r\n.${'x'.repeat(90)}\r\n.\r\n`, [], small).outcome?.kind).toBe('message')
  })

  test('a header section over its octets or fields is malformed', () => {
    expect(faultOf('A: 1\r\nB: 2\r\nC: 3\r\n\r\n.\r\n', small)).toBeNull()
    expect(faultOf('A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n.\r\n', small)?.kind).toBe('message-malformed')
    expect(faultOf('A: 1\r\n 2\r\n\t3\r\n 4\r\n 5\r\n\r\n.\r\n', small)).toBeNull()
    expect(faultOf(`A: ${'x'.repeat(30)}\r\n\r\n.\r\n`, small)?.kind).toBe('message-malformed')
  })

  test('no header section is malformed', () => {
    expect(faultOf('\r\nbody\r\n.\r\n')?.kind).toBe('message-malformed')
    expect(faultOf('.\r\n')?.kind).toBe('message-malformed')
  })

  test('line endings go before size, size before form', () => {
    expect(faultOf(`\r\n${'x'.repeat(101)}\r\n.\r\n`, small)?.kind).toBe('message-too-big')
    expect(faultOf(`\r\n${'x'.repeat(101)}\n\r\n.\r\n`, small)?.kind).toBe('line-endings')
    const cut = read(`\r\n${'x'.repeat(101)}\n\r\n.\r\n`, [50, 102, 104], small)
    expect(cut.outcome).toEqual({ kind: 'fault', fault: { kind: 'line-endings' }, drained: true })
  })

  test('an oversized message is got past, and within bounds', () => {
    expect(read(`${body(180)}RSET`, everyOctet(body(180)), small).rest).toBe('RSET')
    const reader = new DataReader(small, new PlainHash())
    let pushed = 0
    while (reader.push(Buffer.from('x'.repeat(50))) === -1) pushed++
    expect(pushed).toBeLessThan(6)
    expect(reader.outcome).toMatchObject({ kind: 'fault', drained: false })
    expect(reader.held).toBe(0)
  })

  test('an abandoned message is got past too', () => {
    const reader = new DataReader(limits, new PlainHash())
    expect(reader.push(Buffer.from('A: b\r\n\r\nx'))).toBe(-1)
    expect(reader.held).toBe(9)
    reader.abandon()
    expect(reader.held).toBe(0)
    expect(reader.push(Buffer.from('y\r\n.\r\nNOOP'))).toBe(6)
    expect(reader.outcome).toEqual({ kind: 'fault', fault: { kind: 'abandoned' }, drained: true })
  })
})

test('for any octets and any cuts it says what the string version says', () => {
  const piece = fc.constantFrom(
    '\r\n',
    '.',
    '\r',
    '\n',
    'a',
    ' ',
    'A: b\r\n',
    '\r\n.\r\n',
    '\u0000',
    '..\r\n',
    '\u00e9',
  )
  const clean = fc.constantFrom('\r\n', '.\r\n', '..', 'a', 'A: b\r\n', 'a\r\n', '\r\n.', '\r\n.\r\n')
  const wires = fc
    .oneof(fc.array(piece, { maxLength: 12 }), fc.array(clean, { maxLength: 12 }))
    .map((parts) => parts.join(''))
  fc.assert(
    fc.property(wires, fc.array(fc.nat(60), { maxLength: 5 }), (wire, at) => {
      const cuts = at.filter((cut) => cut <= wire.length).toSorted((a, b) => a - b)
      const { outcome, rest } = read(wire, cuts)
      const expected = oracle(wire)
      if (expected === null) {
        expect(outcome).toBeNull()
        return
      }
      expect(rest).toBe(expected.rest)
      if ('fault' in expected) expect(outcome?.kind).toBe('fault')
      else expect(textOf(outcome)).toEqual({ header: expected.header, body: expected.body })
    }),
    { numRuns: 3000 },
  )
})
