import { generateKeyPairSync } from 'node:crypto'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { describe, expect, it } from 'vitest'
import type { CaseToVerify, Verification } from '../../../doors/cli/verification.ts'
import { readZone, zoneResolver } from '../../../platform/dns-zone.ts'
import { openVerifier } from '../../../processes/verifier.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { parseIp } from '../../../standards/names/ip.ts'
import { verifySpf } from './spf.ts'
import { readEndToEndCases, readEndToEndZone } from './testing/e2e.ts'
import { misses } from './testing/misses.ts'
import { type SpfCase, readMailAuthSuite, readRfc7208Suite } from './testing/spf-suites.ts'
import { vectorText, vectorsArePresent } from './testing/vectors.ts'

/** Other people's suites through what `anechoic verify` runs. */

if (!vectorsArePresent) console.warn('no vectors: set ANECHOIC_VECTORS to run the conformance tests')

const verifier = openVerifier(() => Promise.reject(new Error('a suite asks no real DNS')))

async function verify(one: Partial<CaseToVerify>): Promise<Verification> {
  const answer = await verifier.verify({ message: null, ip: null, helo: '', mailFrom: '', zone: {}, now: null, ...one })
  if ('error' in answer) throw new Error(answer.error)
  return answer
}

/** A listed miss that has begun to agree fails too, so that the list stays true. */
function expectAgreement(suite: string, name: string, got: string, agrees: boolean): void {
  const reason = misses[suite]?.[name]
  expect(agrees, `${name}: ${got}${reason === undefined ? '' : ', and it is listed as a miss'}`).toBe(
    reason === undefined,
  )
}

const named = <Case extends { readonly name: string }>(read: () => readonly Case[]) =>
  vectorsArePresent ? read().map((one) => [one.name, one] as const) : []

async function explanationOf(one: SpfCase): Promise<string> {
  const ip = parseIp(one.ip)
  const zone = readZone(one.zone)
  if (isSyntaxFault(ip) || isSyntaxFault(zone)) throw new Error(`the case cannot be read: ${one.name}`)
  const verdict = await verifySpf({ ...one, ip }, zoneResolver(zone), 0, 'receiver.example')
  return verdict.explanation ?? 'DEFAULT'
}

describe.runIf(vectorsArePresent).each([
  ['spf/rfc7208', readRfc7208Suite, 100],
  ['spf/mail-auth', readMailAuthSuite, 70],
] as const)('%s', (suite, read, atLeast) => {
  it('is all there', () => {
    expect(read().length).toBeGreaterThanOrEqual(atLeast)
  })

  it.each(named(read))('%s', async (name, one) => {
    const { spf } = await verify(one)
    expectAgreement(suite, name, spf.result, one.results.includes(spf.result))
    if (one.explanation !== null) expect(await explanationOf(one)).toBe(one.explanation)
  })
})

type PolicyCase = {
  readonly id: string
  readonly zone: { readonly [name: string]: object }
  readonly header_from: string
  readonly spf_pass_domains: readonly string[]
  readonly dkim_pass_domains: readonly string[]
  readonly expect: {
    readonly result: string
    readonly policy?: string
    readonly policy_domain?: string
    readonly applied_policy?: string
  }
  readonly open?: unknown
}

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const keyRecord = `v=DKIM1; k=ed25519; p=${publicKey.export({ type: 'spki', format: 'der' }).subarray(12).toString('base64')}`

/** A message that passes for exactly those domains, and the zone that makes it so. */
async function passingFor(one: PolicyCase): Promise<Partial<CaseToVerify>> {
  const [spfDomain] = one.spf_pass_domains
  const plain = `From: ${one.header_from}\r\nSubject: a case\r\n\r\nbody\r\n`
  const signatureData = one.dkim_pass_domains.map((signingDomain) => ({
    signingDomain,
    selector: 'key',
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }))
  const signed = await dkimSign(plain, { signingDomain: '', selector: '', privateKey: '', signatureData } as never)
  const keys = one.dkim_pass_domains.map((domain) => [`key._domainkey.${domain}`, { TXT: [keyRecord] }])
  const spf =
    spfDomain === undefined ? {} : { [spfDomain]: { ...one.zone[spfDomain], TXT: ['v=spf1 ip4:192.0.2.1 -all'] } }
  return {
    message: Buffer.from(`${signed.signatures}${plain}`),
    ip: '192.0.2.1',
    mailFrom: spfDomain === undefined ? '' : `sender@${spfDomain}`,
    zone: { ...one.zone, ...Object.fromEntries(keys), ...spf },
  }
}

describe.runIf(vectorsArePresent)('dmarc-policy/rfc9989-cases', () => {
  const read = () =>
    (
      JSON.parse(vectorText('dmarc-policy', 'rfc9989-cases.json')) as { readonly cases: readonly PolicyCase[] }
    ).cases.map((one) => ({ ...one, name: one.id }))

  it('is all there', () => {
    expect(read().length).toBeGreaterThanOrEqual(13)
  })

  it.each(named(read))('%s', async (name, one) => {
    const { dmarc, dkim } = await verify(await passingFor(one))
    expect(dkim?.map(({ result }) => result)).toEqual(one.dkim_pass_domains.map(() => 'pass'))
    const { result, policy, policy_domain: domain, applied_policy: applied } = one.expect
    const got = { result: dmarc?.result, policy: dmarc?.policy, domain: dmarc?.domain }
    const agrees =
      got.result === result &&
      (policy === undefined || got.policy === policy) &&
      (applied === undefined || got.policy === applied) &&
      (domain === undefined || got.domain === domain)
    expectAgreement('dmarc-policy/rfc9989-cases', name, JSON.stringify(got), agrees)
  })
})

describe.runIf(vectorsArePresent)('e2e/authentication_milter', () => {
  const zone = vectorsArePresent ? readEndToEndZone() : {}

  it('is all there', () => {
    expect(readEndToEndCases()).toHaveLength(16)
  })

  it.each(named(readEndToEndCases))('%s', async (name, one) => {
    const { spf, dkim = [], dmarc } = await verify({ ...one, zone })
    const got = {
      spf: spf.result,
      dkim: dkim.find(({ domain }) => domain === 'marcbradshaw.net')?.result ?? 'none',
      dmarc: dmarc?.result ?? '',
    }
    const methods = Object.entries(got)
    expect(Object.keys(one.expected)).not.toEqual([])
    const agrees = methods.every(([method, word]) => one.expected[method]?.includes(word) ?? true)
    expectAgreement('e2e/authentication_milter', name, JSON.stringify(got), agrees)
  })
})
