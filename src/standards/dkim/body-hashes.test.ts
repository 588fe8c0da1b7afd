import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BodyHashes } from './body-hashes.ts'
import { RelaxedBodyHash } from './relaxed-body-hash.ts'
import { SimpleBodyHash } from './simple-body-hash.ts'

/** RFC 6376 §3.4.3 and §3.4.4 in their own words, on the whole body at once. */
function simpleBody(body: string): string {
  return `${body.replace(/(\r\n)+$/, '')}\r\n`
}

function relaxedBody(body: string): string {
  const lines = body.split('\r\n').map((line) => line.replace(/[ \t]+/g, ' ').replace(/ $/, ''))
  while (lines.length > 0 && lines.at(-1) === '') lines.pop()
  return lines.map((line) => `${line}\r\n`).join('')
}

function sha256(text: string): string {
  return createHash('sha256').update(Buffer.from(text, 'latin1')).digest('base64')
}

function fed<Hash extends { update(chunk: Buffer): void }>(hash: Hash, body: string, size: number): Hash {
  for (let at = 0; at < body.length; at += size) hash.update(Buffer.from(body.slice(at, at + size), 'latin1'))
  return hash
}

const piece = fc.constantFrom(' ', '\t', '\r', '\n', '\r\n', '\r\n\r\n', 'x', 'word', '\xff', 'y'.repeat(1500))
const anyBody = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''))

describe('the simple body hash', () => {
  it.each([
    ['', '\r\n'],
    ['\r\n', '\r\n'],
    ['\r\n\r\n\r\n', '\r\n'],
    [' C \r\nD \t E\r\n\r\n\r\n', ' C \r\nD \t E\r\n'],
    ['x', 'x\r\n'],
    ['x\r', 'x\r\r\n'],
    ['x\r\n\r', 'x\r\n\r\r\n'],
    ['\n\n', '\n\n\r\n'],
    ['\r\n\r\nx\r\n', '\r\n\r\nx\r\n'],
  ])('of %j is that of %j', (body, canonical) => {
    expect(simpleBody(body)).toBe(canonical)
    for (const size of [1, 2, 100])
      expect(fed(new SimpleBodyHash(), body, size).digest().toString('base64')).toBe(sha256(canonical))
  })

  it('gives the known hash of the empty body (RFC 6376 §3.4.3)', () => {
    expect(new SimpleBodyHash().digest().toString('base64')).toBe('frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=')
  })

  it('is that of the whole, wherever the chunks are cut', () => {
    fc.assert(
      fc.property(anyBody, fc.integer({ min: 1, max: 40 }), (body, size) => {
        expect(fed(new SimpleBodyHash(), body, size).digest().toString('base64')).toBe(sha256(simpleBody(body)))
      }),
      { numRuns: 500 },
    )
  })
})

describe('the hashes of one body', () => {
  it('are right in both canonicalisations and at every length at once', () => {
    fc.assert(
      fc.property(
        anyBody,
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.nat({ max: 2000 }), { maxLength: 6 }),
        (body, size, lengths) => {
          const hashes = new BodyHashes()
          const canonical = { simple: simpleBody(body), relaxed: relaxedBody(body) }
          const wanted = (['simple', 'relaxed'] as const).flatMap((form) =>
            [null, ...lengths].map((length) => ({ form, length, hash: hashes.want(form, length) })),
          )
          fed(hashes, body, size)
          for (const { form, length, hash } of wanted) {
            const whole = canonical[form]
            const { digest, uncoveredOctets } = hash.read()
            if (length !== null && length > whole.length) expect(digest).toBeNull()
            else expect(digest?.toString('base64')).toBe(sha256(whole.slice(0, length ?? whole.length)))
            expect(uncoveredOctets).toBe(length === null ? 0 : Math.max(0, whole.length - length))
          }
        },
      ),
      { numRuns: 300 },
    )
  })

  it('need no body when the only one that is wanted is known', () => {
    const relaxed = fed(new RelaxedBodyHash(), 'Hello \r\n', 3).digest()
    const hashes = new BodyHashes({ relaxed })
    expect(hashes.want('relaxed', null).read()).toEqual({ digest: relaxed, uncoveredOctets: 0 })
    expect(hashes.needBody).toBe(false)
    const limited = hashes.want('relaxed', 2)
    expect(hashes.needBody).toBe(true)
    fed(hashes, 'Hello \r\n', 3)
    expect(limited.read()).toEqual({ digest: createHash('sha256').update('He').digest(), uncoveredOctets: 5 })
  })

  it('canonicalise a body once, however many signatures ask for other lengths', () => {
    const hashes = new BodyHashes()
    const wanted = Array.from({ length: 20 }, (_one, length) => hashes.want('relaxed', length * 7))
    fed(hashes, 'word  word\r\n'.repeat(20), 11)
    const digests = wanted.map((one) => one.read().digest?.toString('base64'))
    expect(new Set(digests).size).toBe(20)
    expect(digests.at(-1)).toBe(sha256(relaxedBody('word  word\r\n'.repeat(20)).slice(0, 133)))
  })
})
