import { createHash, createSecretKey, randomBytes, verify } from 'node:crypto'
import fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import type { SealFields } from '../standards/seal.ts'
import { Desk } from './desk.ts'
import type { GrantCopy } from './policy-copy.ts'
import type { SigningAnswer, SigningRequest, WrappedKey } from './protocol.ts'
import {
  changeBetween,
  draftFor,
  fieldsFor,
  newPrivateKey,
  newSealKey,
  plainHeader,
  requestFor,
  seal,
} from './request.fixture.ts'
import { decodeRequest, encodeRequest } from './wire.ts'
import { wrapKey } from './wrapping.ts'

const sealKey = newSealKey()
const wrapping = createSecretKey(randomBytes(32))
const rsa = newPrivateKey('rsa-sha256')
const ed25519 = newPrivateKey('ed25519-sha256')
const acme = { domain: 'acme.example', source: 'acme-m365', customer: 'acme' }

const keys: readonly WrappedKey[] = [
  wrapKey(wrapping, { ...acme, selector: 'rsa-1', algorithm: 'rsa-sha256' }, rsa.der),
  wrapKey(wrapping, { ...acme, selector: 'ed-1', algorithm: 'ed25519-sha256' }, ed25519.der),
  wrapKey(wrapping, { ...acme, selector: 'crm-1', source: 'acme-crm', algorithm: 'rsa-sha256' }, rsa.der),
  wrapKey(wrapping, { ...acme, selector: 'other-1', customer: 'other', algorithm: 'rsa-sha256' }, rsa.der),
  wrapKey(wrapping, { ...acme, selector: 'sub-1', domain: 'mail.acme.example', algorithm: 'rsa-sha256' }, rsa.der),
  { ...wrapKey(wrapping, { ...acme, selector: 'x', algorithm: 'rsa-sha256' }, rsa.der), selector: 'moved-1' },
  wrapKey(wrapping, { ...acme, selector: 'mislabelled-1', algorithm: 'rsa-sha256' }, ed25519.der),
]

const grants: readonly GrantCopy[] = [
  { customer: 'acme', source: 'acme-m365', domain: 'acme.example', subdomains: false },
]
const policy = { version: 7, grants, keys }

let desk: Desk
let now: number

beforeEach(() => {
  now = Date.now()
  desk = new Desk(sealKey, wrapping, { now: () => now })
  desk.apply(changeBetween(null, policy))
  for (const key of keys) desk.hold(key)
})

/** Over the wire encoding, as in the process. */
async function ask(request: SigningRequest, beside = false): Promise<SigningAnswer> {
  const decoded = decodeRequest(encodeRequest(1, request).subarray(5))
  if (decoded === null) throw new Error('the request does not survive the wire')
  return desk.answer(decoded, beside)
}

async function refusalOf(request: SigningRequest): Promise<string> {
  const answer = await ask(request)
  return answer.kind === 'signature' ? 'signed' : `${answer.kind}: ${answer.reason}`
}

describe('a request that the policy bears out', () => {
  it('is signed with RSA, on this thread and beside it alike', async () => {
    const request = requestFor(sealKey, draftFor())
    for (const beside of [false, true]) {
      const answer = await ask(request, beside)
      if (answer.kind !== 'signature') throw new Error(answer.reason)
      expect(verify('sha256', request.input, rsa.publicKey, answer.signature)).toBe(true)
    }
  })

  it('is signed with Ed25519 over the SHA-256 of the input (RFC 8463 §3)', async () => {
    const draft = draftFor({ selector: 'ed-1', algorithm: 'ed25519-sha256' })
    const request = requestFor(sealKey, draft, { selector: 'ed-1' })
    const answer = await ask(request, true)
    if (answer.kind !== 'signature') throw new Error(answer.reason)
    const hash = createHash('sha256').update(request.input).digest()
    expect(verify(null, hash, ed25519.publicKey, answer.signature)).toBe(true)
  })

  it('is signed for a domain below one that is granted with its subdomains', async () => {
    const header = plainHeader.replace('@acme', '@mail.acme')
    const draft = draftFor({ header, domain: 'mail.acme.example', selector: 'sub-1' })
    const request = requestFor(sealKey, draft, { domain: 'mail.acme.example', selector: 'sub-1' })
    expect(await refusalOf(request)).toBe('refused: the policy copy of the signer has no such grant')
    const wider = grants.map((one) => ({ ...one, subdomains: true }))
    desk.apply(changeBetween(policy, { ...policy, grants: wider }))
    expect(await refusalOf(request)).toBe('signed')
  })
})

describe('a permit', () => {
  it('of another boot is refused', async () => {
    expect(await refusalOf(requestFor(newSealKey(), draftFor()))).toBe(
      'refused: the seal is not one of this boot over these fields',
    )
  })

  it.each<Partial<SealFields>>([
    { customer: 'other' },
    { domain: 'evil.example' },
    { source: 'acme-crm' },
    { selector: 'ed-1' },
    { policyVersion: 8 },
    { expiresAt: Date.now() + 55_000 },
    { inputHash: Buffer.alloc(32) },
  ])('altered after sealing is refused: %j', async (altered) => {
    const honest = requestFor(sealKey, draftFor())
    expect(await refusalOf(honest)).toBe('signed')
    const request = { ...honest, permit: { ...honest.permit, ...altered } as SigningRequest['permit'] }
    expect(await refusalOf(request)).toBe('refused: the seal is not one of this boot over these fields')
  })

  it('with a forged, short or empty seal is refused', async () => {
    const honest = requestFor(sealKey, draftFor())
    for (const mac of [Buffer.alloc(32), honest.permit.mac.subarray(0, 31), Buffer.alloc(0)]) {
      const permit = { ...honest.permit, mac } as SigningRequest['permit']
      expect(await refusalOf({ ...honest, permit })).toBe('refused: the seal is not one of this boot over these fields')
    }
  })

  it('that has expired, or is good for more than a minute, is refused', async () => {
    const draft = draftFor()
    const at = async (expiresAt: number) => refusalOf(requestFor(sealKey, draft, { expiresAt }))
    expect(await at(now)).toBe('refused: the permit has expired')
    expect(await at(now - 1)).toBe('refused: the permit has expired')
    expect(await at(now + 60_001)).toBe('refused: the permit is good for too long')
    expect(await at(Number.NaN)).toBe('refused: the permit has expired')
    expect(await at(Infinity)).toBe('refused: the permit has expired')
    expect(await at(now + 60_000)).toBe('signed')
    const request = requestFor(sealKey, draft, { expiresAt: now + 30_000 })
    now += 30_000
    expect(await refusalOf(request)).toBe('refused: the permit has expired')
  })

  it('for another input is refused, even one of the same domain', async () => {
    const permit = seal(sealKey, fieldsFor(draftFor().signingInput))
    const input = draftFor({ header: plainHeader.replace('hello', 'pay now') }).signingInput
    expect(await refusalOf({ permit, input })).toBe('refused: the permit is for another signing input')
  })

  it('judged under a much older policy is refused; under a newer one it waits', async () => {
    const draft = draftFor()
    expect(await refusalOf(requestFor(sealKey, draft, { policyVersion: 3 }))).toBe('signed')
    expect(await refusalOf(requestFor(sealKey, draft, { policyVersion: 2 }))).toBe(
      'refused: the permit was judged under an old policy',
    )
    expect(await refusalOf(requestFor(sealKey, draft, { policyVersion: 8 }))).toMatch(
      /^unavailable: the permit is newer/,
    )
  })
})

describe('a sealed permit does not help', () => {
  it('an input of another domain', async () => {
    const header = plainHeader.replace('acme.example', 'evil.example')
    const draft = draftFor({ header, domain: 'evil.example' })
    expect(await refusalOf(requestFor(sealKey, draft))).toBe('refused: d= is not the domain of the permit')
  })

  it('an input that names another selector', async () => {
    expect(await refusalOf(requestFor(sealKey, draftFor({ selector: 'ed-1' })))).toBe(
      'refused: s= is not the selector of the permit',
    )
  })

  it('an author of another domain than d=', async () => {
    const draft = draftFor({ header: plainHeader.replace('acme.example', 'evil.example') })
    expect(await refusalOf(requestFor(sealKey, draft))).toBe(
      'refused: the author domain is not the domain of the permit',
    )
  })

  it('a From with two readings, or two From', async () => {
    const twice = plainHeader.replace('<alice', '<mallory@evil.example> <alice')
    expect(await refusalOf(requestFor(sealKey, draftFor({ header: twice })))).toMatch(
      /^refused: the signing input is not ours: From/,
    )
    const honest = draftFor()
    const input = Buffer.concat([Buffer.from('from:mallory@evil.example\r\n'), honest.signingInput])
    const request = requestFor(sealKey, { ...honest, signingInput: input })
    expect(await refusalOf(request)).toMatch(/^refused: the signing input is not ours/)
  })

  it('octets that are no signing input', async () => {
    for (const text of ['', 'hello', 'from:alice@acme.example\r\n']) {
      const request = requestFor(sealKey, { ...draftFor(), signingInput: Buffer.from(text) })
      expect(await refusalOf(request)).toMatch(/^refused: the signing input is not ours/)
    }
  })

  it('a signature dated in the future', async () => {
    const draft = draftFor({ now: now + 3_600_000 })
    expect(await refusalOf(requestFor(sealKey, draft))).toBe('refused: t= is in the future')
  })

  it('another algorithm than the key has', async () => {
    const draft = draftFor({ selector: 'rsa-1', algorithm: 'ed25519-sha256' })
    expect(await refusalOf(requestFor(sealKey, draft))).toBe('refused: a= is not the algorithm of the key')
  })

  it.each([
    ['crm-1', 'refused: the key belongs to another customer or source'],
    ['other-1', 'refused: the key belongs to another customer or source'],
    ['nobody-1', 'unavailable: the signer has no key under this selector'],
    ['moved-1', 'unavailable: the key cannot be opened'],
    ['mislabelled-1', 'unavailable: the key cannot be opened'],
  ])('the selector %s: %s', async (selector, refusal) => {
    expect(await refusalOf(requestFor(sealKey, draftFor({ selector }), { selector }))).toBe(refusal)
  })

  it.each<Partial<SealFields>>([{ customer: 'other' }, { source: 'acme-crm' }])('%j without a grant', async (other) => {
    const request = requestFor(sealKey, draftFor(), other)
    expect(await refusalOf(request)).toBe('refused: the policy copy of the signer has no such grant')
  })

  it('once the grant or the key is gone from the policy copy', async () => {
    const request = requestFor(sealKey, draftFor())
    expect(await refusalOf(request)).toBe('signed')
    const withoutGrant = { ...policy, version: 8, grants: [] }
    desk.apply(changeBetween(policy, withoutGrant))
    expect(await refusalOf(request)).toBe('refused: the policy copy of the signer has no such grant')
    desk.apply(changeBetween(withoutGrant, { ...policy, version: 9, keys: [] }))
    expect(await refusalOf(request)).toBe('unavailable: the signer has no key under this selector')
  })

  it('while only a part of the policy copy is there', async () => {
    desk = new Desk(sealKey, wrapping, { now: () => now })
    for (const key of keys) desk.hold(key)
    desk.apply({ ...changeBetween(null, policy), version: -1 })
    expect(await refusalOf(requestFor(sealKey, draftFor()))).toBe(
      'unavailable: the permit is newer than the policy copy of the signer',
    )
  })

  it('before there is a policy copy', async () => {
    desk = new Desk(sealKey, wrapping, { now: () => now })
    expect((await ask(requestFor(sealKey, draftFor()))).kind).toBe('unavailable')
  })
})

describe('random policies and requests', () => {
  it('yield a signature only where the copy grants exactly that customer, source and domain', async () => {
    const customer = fc.constantFrom('acme', 'other')
    const source = fc.constantFrom('acme-m365', 'acme-crm')
    const domain = fc.constantFrom('acme.example', 'mail.acme.example', 'evil.example')
    const grant = fc.record({ customer, source, domain, subdomains: fc.boolean() })
    // Near misses: what a key is for, with one part of it replaced now and then.
    const near = fc
      .constantFrom(...keys.slice(0, 5).filter((key) => key.algorithm === 'rsa-sha256'))
      .map((key) => ({ customer: key.customer, source: key.source, domain: key.domain, selector: key.selector }))
    const slip = fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      fc.record({ customer }),
      fc.record({ source }),
      fc.record({ domain }),
      fc.record({ author: domain }),
    )
    let signed = 0
    await fc.assert(
      fc.asyncProperty(fc.array(grant, { maxLength: 6 }), near, slip, async (random, exact, slipped) => {
        desk = new Desk(sealKey, wrapping, { now: () => now })
        desk.apply(changeBetween(null, { ...policy, grants: random }))
        for (const key of keys) desk.hold(key)
        const fields = { ...exact, ...slipped }
        const author = 'author' in fields ? (fields.author as string) : fields.domain
        const draft = draftFor({ ...fields, header: plainHeader.replace('acme.example', author) })
        const answer = await ask(requestFor(sealKey, draft, fields))
        const grants = (name: string) =>
          random.some(
            (one) =>
              one.customer === fields.customer &&
              one.source === fields.source &&
              (one.domain === name || (one.subdomains && name.endsWith(`.${one.domain}`))),
          )
        const speaks = author === fields.domain || (author.endsWith(`.${fields.domain}`) && grants(author))
        const untouched =
          fields.customer === exact.customer && fields.source === exact.source && fields.domain === exact.domain
        expect(answer.kind === 'signature').toBe(grants(fields.domain) && untouched && speaks)
        if (answer.kind === 'signature') signed++
      }),
      { numRuns: 400 },
    )
    expect(signed).toBeGreaterThan(0)
  })
})
