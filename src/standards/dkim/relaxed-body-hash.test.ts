import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RelaxedBodyHash } from './relaxed-body-hash.ts'

/** RFC 6376 §3.4.4 in its own words, on the whole body at once. */
function relaxedBody(body: Buffer): Buffer {
  const lines = body.toString('latin1').split('\r\n')
  const reduced = lines.map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
  while (reduced.length > 0 && reduced.at(-1) === '') reduced.pop()
  return Buffer.from(reduced.map((line) => `${line}\r\n`).join(''), 'latin1')
}

function sha256(octets: Buffer): string {
  return createHash('sha256').update(octets).digest('base64')
}

function hashOf(chunks: readonly Buffer[]): string {
  const hash = new RelaxedBodyHash()
  for (const chunk of chunks) hash.update(chunk)
  return hash.digest().toString('base64')
}

function cutInto(body: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [...new Set(cuts.map((cut) => cut % (body.length + 1)))].sort((a, b) => a - b)
  const edges = [0, ...places, body.length]
  return edges.slice(1).map((edge, index) => body.subarray(edges[index], edge))
}

const cases: readonly (readonly [name: string, body: string, canonical: string])[] = [
  ['empty', '', ''],
  ['one empty line', '\r\n', ''],
  ['empty lines alone', '\r\n\r\n\r\n', ''],
  ['white space alone', ' \t \r\n\t\r\n ', ''],
  ['the example of RFC 6376 §3.4.5', ' C \r\nD \t E\r\n\r\n\r\n', ' C\r\nD E\r\n'],
  ['leading empty lines', '\r\n\r\nx\r\n', '\r\n\r\nx\r\n'],
  ['no line end at the end', 'x', 'x\r\n'],
  ['white space at the end without a line end', 'x \t', 'x\r\n'],
  ['a lone CR at the end', 'x \r', 'x \r\r\n'],
  ['a lone CR after white space', 'x \ry\r\n', 'x \ry\r\n'],
  ['lone line feeds', '\nx\n\n', '\nx\n\n\r\n'],
  ['CR CR LF', 'x\r\r\ny', 'x\r\r\ny\r\n'],
  ['empty lines between', 'x\r\n \r\n\t\r\ny', 'x\r\n\r\n\r\ny\r\n'],
]

describe('the relaxed body hash', () => {
  it.each(cases)('%s', (_name, body, canonical) => {
    const octets = Buffer.from(body, 'latin1')
    expect(relaxedBody(octets).toString('latin1')).toBe(canonical)
    expect(hashOf([octets])).toBe(sha256(Buffer.from(canonical, 'latin1')))
    expect(hashOf([...octets].map((octet) => Buffer.from([octet])))).toBe(sha256(Buffer.from(canonical, 'latin1')))
  })

  it('gives the known hash of the empty body (RFC 6376 §3.4.4)', () => {
    expect(hashOf([])).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=')
  })

  it('does not depend on where the chunks are cut', () => {
    const piece = fc.constantFrom(
      ' ',
      '  ',
      '\t',
      '\r',
      '\n',
      '\r\n',
      '\r\n\r\n',
      'a',
      'word',
      '\xe9\x00',
      'x'.repeat(90),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.array(fc.nat(), { maxLength: 8 }), (pieces, cuts) => {
        const body = Buffer.from(pieces.join(''), 'latin1')
        expect(hashOf(cutInto(body, cuts))).toBe(sha256(relaxedBody(body)))
      }),
      { numRuns: 1000 },
    )
  })

  it('holds across its own buffer, with long and short runs', () => {
    for (const line of ['a  b', `${'y'.repeat(3000)}  \t${'z'.repeat(70)}`, `${'q'.repeat(700)}\t`]) {
      const body = Buffer.from(`${line}\r\n`.repeat(9000).slice(0, 200_000), 'latin1')
      expect(hashOf(cutInto(body, [5, 16_384, 70_001, 131_072]))).toBe(sha256(relaxedBody(body)))
    }
  })
})
