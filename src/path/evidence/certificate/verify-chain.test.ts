import { webcrypto } from 'node:crypto'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { readExtensions } from '../../../standards/x509/extensions.ts'
import {
  type CertificateOptions,
  type Made,
  certificate,
  clientAuth,
  codeSigning,
  nameConstraints,
  newKeys,
  serverAuth,
  unknownCritical,
  usage,
} from '../../../../lab/world/faulty-certificates.ts'
import { authoritiesFrom, loadAuthorities } from './authorities.ts'
import { CertificateVerifier } from './certificate-verifier.ts'
import { fingerprintOf, isProviderCertificate } from './fingerprint.ts'
import { verifyChain } from './verify-chain.ts'

const wantedName = 'mail.protection.outlook.com'
const now = Date.now()
const dayMs = 86_400_000
const past = { notBefore: new Date(now - 20 * dayMs), notAfter: new Date(now - dayMs) }
const future = { notBefore: new Date(now + dayMs), notAfter: new Date(now + 2 * dayMs) }

let root: Made
let issuing: Made
let leaf: Made

beforeAll(async () => {
  root = await certificate({ subject: 'CN=Root' })
  issuing = await certificate({ subject: 'CN=Issuing', issuer: root, pathLength: 0 })
  leaf = await leafOf({})
})

function leafOf(options: Partial<CertificateOptions>): Promise<Made> {
  return certificate({
    subject: `CN=${wantedName}`,
    issuer: issuing,
    dnsNames: [wantedName],
    extendedUsages: [serverAuth],
    ...options,
  })
}

function verdict(
  chain: readonly Made[],
  anchors: readonly Made[] = [root],
  names: readonly string[] = [wantedName],
): string {
  const authorities = authoritiesFrom(anchors.map((one) => one.pem).join('\n'))
  const result = verifyChain(
    chain.map((one) => one.der),
    { names, authorities },
    now,
  )
  return result.kind === 'pass' ? 'pass' : result.because
}

describe('verifyChain passes', () => {
  it('a leaf with serverAuth alone, through an intermediate', () => {
    expect(verdict([leaf, issuing])).toBe('pass')
  })
  it('the root sent along, in any order', () => {
    expect(verdict([leaf, root, issuing])).toBe('pass')
  })
  it('clientAuth, both, or no extended usage at all', async () => {
    expect(verdict([await leafOf({ extendedUsages: [clientAuth] }), issuing])).toBe('pass')
    expect(verdict([await leafOf({ extendedUsages: [serverAuth, clientAuth] }), issuing])).toBe('pass')
    const { extendedUsages: _, ...without } = {
      subject: 'CN=x',
      issuer: issuing,
      dnsNames: [wantedName],
      extendedUsages: [],
    }
    expect(verdict([await certificate(without), issuing])).toBe('pass')
  })
  it('an intermediate that is itself believed', () => {
    expect(verdict([leaf], [issuing])).toBe('pass')
  })
  it('the name in CN alone, in another case, or under a wildcard for its first label', async () => {
    expect(verdict([await leafOf({ dnsNames: ['other.example'] }), issuing])).toBe('pass')
    expect(verdict([await leafOf({ subject: 'CN=x', dnsNames: ['MAIL.Protection.Outlook.com'] }), issuing])).toBe(
      'pass',
    )
    expect(verdict([await leafOf({ subject: 'CN=x', dnsNames: ['*.protection.outlook.com'] }), issuing])).toBe('pass')
  })
  it('a certificate that crosses over from another root of the same name', async () => {
    const stranger = await certificate({ subject: 'CN=Root' })
    expect(verdict([leaf, issuing], [stranger, root])).toBe('pass')
  })
  it('names inside what an issuer is constrained to', async () => {
    const bounded = await certificate({
      subject: 'CN=Bounded',
      issuer: root,
      extra: [nameConstraints(0xa0, 'outlook.com')],
    })
    expect(verdict([await leafOf({ issuer: bounded }), bounded])).toBe('pass')
  })
  it('for no longer than the whole path is valid', async () => {
    const short = await leafOf({ notAfter: new Date(now + 3_600_000) })
    const authorities = authoritiesFrom(root.pem)
    const result = verifyChain([short.der, issuing.der], { names: [wantedName], authorities }, now)
    expect(result).toMatchObject({ kind: 'pass', name: wantedName })
    if (result.kind === 'pass') expect(Math.abs(result.until - now - 3_600_000)).toBeLessThan(2000)
  })
})

describe('verifyChain refuses', () => {
  it('no certificate, or something that is none', () => {
    const wanted = { names: [wantedName], authorities: authoritiesFrom(root.pem) }
    expect(verifyChain([], wanted, now)).toEqual({ kind: 'fail', because: 'no client certificate was presented' })
    expect(verifyChain([Buffer.from('no DER')], wanted, now)).toMatchObject({
      because: 'the client certificate cannot be read',
    })
    expect(
      verifyChain(
        Array.from({ length: 11 }, () => leaf.der),
        wanted,
        now,
      ),
    ).toMatchObject({ because: 'the client presented too many certificates' })
  })
  it('a leaf that has expired or is not valid yet', async () => {
    expect(verdict([await leafOf(past), issuing])).toBe('the client certificate has expired')
    expect(verdict([await leafOf(future), issuing])).toBe('the client certificate is not valid yet')
  })
  it.each([
    ['another name', { subject: 'CN=other.example', dnsNames: ['other.example'] }],
    ['a name below', { subject: 'CN=x', dnsNames: ['x.mail.protection.outlook.com'] }],
    ['the name with something behind', { subject: 'CN=x', dnsNames: ['mail.protection.outlook.com.evil.example'] }],
    ['a wildcard over two labels', { subject: 'CN=x', dnsNames: ['*.outlook.com'] }],
    ['a wildcard inside a label', { subject: 'CN=x', dnsNames: ['m*.protection.outlook.com'] }],
    ['a wildcard that is not the first label', { subject: 'CN=x', dnsNames: ['mail.*.outlook.com'] }],
  ])('%s', async (_, options) => {
    expect(verdict([await leafOf(options), issuing])).toBe(
      'the client certificate bears none of the names that it should',
    )
  })
  it('everything when no name is wanted', () => {
    expect(verdict([leaf, issuing], [root], [])).toBe('the client certificate bears none of the names that it should')
  })
  it('a self-signed leaf and a foreign root', async () => {
    expect(verdict([await certificate({ subject: `CN=${wantedName}`, dnsNames: [wantedName] })])).toMatch(
      /^no authority/,
    )
    const foreign = await certificate({ subject: 'CN=Foreign' })
    expect(verdict([await leafOf({ issuer: foreign }), foreign])).toMatch(/^no authority/)
  })
  it('a missing intermediate', () => {
    expect(verdict([leaf])).toMatch(/^no authority/)
  })
  it('an issuer with the name of ours but another key', async () => {
    const twin = await certificate({ subject: 'CN=Issuing', issuer: root, forged: true })
    expect(verdict([await leafOf({ issuer: twin }), twin])).toBe('a signature in the certificate path is not valid')
    const lone = await certificate({ subject: 'CN=Root' })
    expect(verdict([await leafOf({ issuer: lone })])).toBe('a signature in the certificate path is not valid')
  })
  it('a leaf whose signature is forged', async () => {
    expect(verdict([await leafOf({ forged: true }), issuing])).toBe('a signature in the certificate path is not valid')
  })
  it('an issuer without the right to issue', async () => {
    const person = await certificate({
      subject: 'CN=Person',
      issuer: root,
      ca: false,
      keyUsage: null,
      dnsNames: ['person.example'],
    })
    expect(verdict([await leafOf({ issuer: person }), person])).toBe(
      'an issuing certificate is not that of an authority',
    )
    const noSign = await certificate({ subject: 'CN=NoSign', issuer: root, keyUsage: usage.digitalSignature })
    expect(verdict([await leafOf({ issuer: noSign }), noSign])).toBe('an issuing certificate may not sign certificates')
    const coder = await certificate({ subject: 'CN=Coder', issuer: root, extendedUsages: [codeSigning] })
    expect(verdict([await leafOf({ issuer: coder }), coder])).toBe('the issuing certificate is not meant for TLS')
  })
  it('a path longer than an issuer allows', async () => {
    const below = await certificate({ subject: 'CN=Below', issuer: issuing })
    expect(verdict([await leafOf({ issuer: below }), below, issuing])).toBe(
      'an issuing certificate allows no path of this length',
    )
  })
  it('an intermediate or root that has expired', async () => {
    const old = await certificate({ subject: 'CN=Old', issuer: root, ...past })
    expect(verdict([await leafOf({ issuer: old }), old])).toBe('an issuing certificate has expired')
    const oldRoot = await certificate({ subject: 'CN=OldRoot', ...past })
    expect(verdict([await leafOf({ issuer: oldRoot })], [oldRoot])).toBe('an issuing certificate has expired')
  })
  it('a leaf for something else than TLS', async () => {
    expect(verdict([await leafOf({ extendedUsages: [codeSigning] }), issuing])).toBe(
      'the client certificate is not meant for TLS',
    )
    expect(verdict([await leafOf({ keyUsage: usage.keyEncipherment }), issuing])).toBe(
      'the client certificate has a key that may not sign',
    )
  })
  it('a key that is too short', async () => {
    const rsa = {
      name: 'RSASSA-PKCS1-v1_5',
      modulusLength: 1024,
      publicExponent: new Uint8Array([1, 0, 1]),
      hash: 'SHA-256',
    }
    const keys = await webcrypto.subtle.generateKey(rsa, true, ['sign', 'verify'])
    expect(verdict([await leafOf({ keys }), issuing])).toBe('the client certificate has a key that is too short')
  })
  it('a critical extension that is not known', async () => {
    expect(verdict([await leafOf({ extra: [unknownCritical] }), issuing])).toBe(
      'the client certificate has a critical extension that is not known',
    )
  })
  it('a signature with SHA-1', async () => {
    expect(verdict([await leafOf({ hash: 'SHA-1' }), issuing])).toBe('a certificate is signed with a broken algorithm')
  })
  it('names outside what an issuer is constrained to', async () => {
    const elsewhere = await certificate({
      subject: 'CN=B1',
      issuer: root,
      extra: [nameConstraints(0xa0, 'acme.example')],
    })
    expect(verdict([await leafOf({ issuer: elsewhere }), elsewhere])).toMatch(/does not extend to the names/)
    const barred = await certificate({ subject: 'CN=B2', issuer: root, extra: [nameConstraints(0xa1, 'outlook.com')] })
    expect(verdict([await leafOf({ issuer: barred }), barred])).toMatch(/does not extend to the names/)
  })
  it('a ring of certificates that issue each other, and soon', async () => {
    const [a, b] = [await newKeys(), await newKeys()]
    const first = await certificate({ subject: 'CN=A', keys: a })
    const second = await certificate({ subject: 'CN=B', keys: b, issuer: first })
    const back = await certificate({ subject: 'CN=A', keys: a, issuer: second })
    const began = performance.now()
    expect(verdict([await leafOf({ issuer: back }), back, second, back, second, back, second])).not.toBe('pass')
    expect(performance.now() - began).toBeLessThan(1000)
  })
})

describe('CertificateVerifier', () => {
  it('remembers, but not beyond the validity of the chain', async () => {
    const short = await leafOf({ notAfter: new Date(now + 60_000) })
    const verifier = new CertificateVerifier([wantedName], authoritiesFrom(root.pem))
    expect(verifier.verify([short.der, issuing.der], now).kind).toBe('pass')
    expect(verifier.verify([short.der, issuing.der], now + 30_000).kind).toBe('pass')
    expect(verifier.verify([short.der, issuing.der], now + 120_000)).toEqual({
      kind: 'fail',
      because: 'the client certificate has expired',
    })
  })

  it('tells a leaf with its intermediate from the leaf alone', () => {
    const verifier = new CertificateVerifier([wantedName], authoritiesFrom(root.pem))
    expect(verifier.verify([leaf.der], now).kind).toBe('fail')
    expect(verifier.verify([leaf.der, issuing.der], now).kind).toBe('pass')
    expect(verifier.verify([leaf.der], now).kind).toBe('fail')
  })

  it('believes a certificate later that was not valid yet', async () => {
    const early = await leafOf({ notBefore: new Date(now + 1000), notAfter: new Date(now + dayMs) })
    const verifier = new CertificateVerifier([wantedName], authoritiesFrom(root.pem))
    expect(verifier.verify([early.der, issuing.der], now - 1000).kind).toBe('fail')
    expect(verifier.verify([early.der, issuing.der], now + 120_000).kind).toBe('pass')
  })
})

describe('authorities', () => {
  it('are those of the system, or of a file, and never none', () => {
    expect(loadAuthorities('system').count).toBeGreaterThan(50)
    expect(() => loadAuthorities('/nonexistent/ca.pem')).toThrow()
    expect(authoritiesFrom('nothing here').count).toBe(0)
    expect(() => loadAuthorities(import.meta.filename)).toThrow('holds no certificate')
  })
})

describe('isProviderCertificate', () => {
  it('looks at CN and SAN, wildcards too', async () => {
    expect(isProviderCertificate(leaf.der)).toBe(true)
    expect(
      isProviderCertificate(
        (await leafOf({ subject: 'CN=x', dnsNames: ['erp.acme.example', '*.mail.protection.outlook.com'] })).der,
      ),
    ).toBe(true)
    expect(
      isProviderCertificate((await leafOf({ subject: 'O=Acme, CN=smtp.gmail.com', dnsNames: ['x.example'] })).der),
    ).toBe(true)
    expect(isProviderCertificate((await leafOf({ subject: 'CN=erp', dnsNames: ['erp.acme.example'] })).der)).toBe(false)
    expect(isProviderCertificate(Buffer.from('no DER'))).toBe(true)
  })
  it('has a fingerprint as policies write it', () => {
    expect(fingerprintOf(leaf.der)).toMatch(/^sha256:[0-9a-f]{64}$/)
  })
})

describe('readExtensions', () => {
  it('reads what was written', () => {
    expect(readExtensions(issuing.der)).toMatchObject({
      basicConstraints: { ca: true, pathLength: 0 },
      keyUsage: { keyCertSign: true, digitalSignature: false },
      unknownCritical: false,
    })
    expect(readExtensions(leaf.der)).toMatchObject({
      dnsNames: [wantedName],
      basicConstraints: { ca: false, pathLength: null },
    })
  })

  it('answers or faults on damaged DER', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(leaf.der.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(leaf.der.length),
        (changes, length) => {
          const damaged = Buffer.from(leaf.der)
          for (const [at, octet] of changes) damaged[at] = octet
          const read = readExtensions(damaged.subarray(0, length))
          expect(isSyntaxFault(read) || Array.isArray(read.dnsNames)).toBe(true)
        },
      ),
      { numRuns: 500 },
    )
  })
})
