import { X509Certificate, hash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Authority, createAuthority } from '../../../lab/world/certificates.ts'
import type { TlsaRecord } from '../dns/inquiry.ts'
import { matchDane, usableRecords } from './index.ts'

let authority: Authority
let stranger: Authority
let leaf: Buffer
let old: Buffer

const derOf = (pem: string) => new X509Certificate(pem).raw
const spkiOf = (der: Buffer) => new X509Certificate(der).publicKey.export({ type: 'spki', format: 'der' })

beforeAll(async () => {
  authority = await createAuthority('The Authority')
  stranger = await createAuthority('Another Authority')
  leaf = derOf((await authority.issue(['mx.dest.example'])).cert)
  old = derOf((await authority.issue(['mx.dest.example'], { notAfter: new Date('2026-01-02') })).cert)
})

function record(usage: number, selector: number, matching: number, der: Buffer): TlsaRecord {
  const octets = selector === 0 ? der : spkiOf(der)
  const data = matching === 0 ? octets.toString('hex') : hash(matching === 1 ? 'sha256' : 'sha512', octets, 'hex')
  return { usage, selector, matching, data }
}

function judge(records: readonly TlsaRecord[], chain: readonly Buffer[], names = ['mx.dest.example']) {
  return matchDane({ records: usableRecords(records), chain, names, now: Date.now() })
}

const everyKind = [0, 1].flatMap((selector) => [0, 1, 2].map((matching) => [selector, matching] as const))

describe('a record of usage 3', () => {
  it.each(everyKind)('matches the certificate of the server itself: selector %i, matching %i', (selector, matching) => {
    expect(judge([record(3, selector, matching, leaf)], [leaf])).toMatchObject({ kind: 'match' })
    expect(judge([record(3, selector, matching, old)], [leaf])).toMatchObject({ kind: 'mismatch', fault: 'none' })
  })

  it('ignores names and dates', () => {
    expect(judge([record(3, 1, 1, old)], [old], ['elsewhere.example'])).toMatchObject({ kind: 'match' })
  })

  it('never matches what stands above that certificate', () => {
    const root = derOf(authority.pem)
    expect(judge([record(3, 1, 1, root)], [leaf, root])).toMatchObject({ kind: 'mismatch' })
  })
})

describe('a record of usage 2', () => {
  it.each(everyKind)('matches an authority above the server: selector %i, matching %i', (selector, matching) => {
    const root = derOf(authority.pem)
    expect(judge([record(2, selector, matching, root)], [leaf, root])).toMatchObject({ kind: 'match' })
    expect(judge([record(2, selector, matching, root)], [leaf, root], ['other.example'])).toMatchObject({
      fault: 'name',
      because: 'the certificate names mx.dest.example, not other.example',
    })
    expect(judge([record(2, selector, matching, derOf(stranger.pem))], [leaf, root])).toMatchObject({ fault: 'none' })
  })

  it('does not need an authority presented that stands whole in DNS', () => {
    const root = derOf(authority.pem)
    expect(judge([record(2, 0, 0, root)], [leaf])).toMatchObject({ kind: 'match' })
    expect(judge([record(2, 1, 0, root)], [leaf])).toMatchObject({ kind: 'match' })
    expect(judge([record(2, 0, 1, root)], [leaf])).toMatchObject({ kind: 'mismatch' })
  })

  it('does not match an authority that is presented and did not sign', () => {
    const other = derOf(stranger.pem)
    expect(judge([record(2, 0, 1, other)], [leaf, other])).toMatchObject({ kind: 'mismatch', fault: 'none' })
  })

  it('counts dates', () => {
    expect(judge([record(2, 0, 1, derOf(authority.pem))], [old, derOf(authority.pem)])).toMatchObject({
      kind: 'mismatch',
    })
  })
})

describe('the records that can be used', () => {
  it('are those of usages 2 and 3 with known parameters and digests of their length', () => {
    const good = record(3, 1, 1, leaf)
    for (const bad of [
      record(0, 1, 1, leaf),
      record(1, 1, 1, leaf),
      { ...good, usage: 4 },
      { ...good, selector: 2 },
      { ...good, matching: 3 },
      { ...good, data: good.data.slice(2) },
    ]) {
      expect(usableRecords([bad, good])).toHaveLength(1)
    }
  })

  it('leave the shorter digest out where there is a longer one', () => {
    const records = [record(3, 1, 1, leaf), record(3, 1, 2, old), record(3, 0, 1, leaf)]
    expect(usableRecords(records).map((one) => `${one.selector} ${one.matching}`)).toEqual([
      'public-key sha512',
      'certificate sha256',
    ])
    expect(judge([record(3, 1, 1, leaf), record(3, 1, 2, old)], [leaf])).toMatchObject({ kind: 'mismatch' })
  })
})
