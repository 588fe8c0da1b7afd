import { execFileSync } from 'node:child_process'
import { createHash, generateKeyPairSync, sign } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { SignatureAlgorithm } from '../../src/standards/dkim/algorithm.ts'
import { buildSignature } from '../../src/standards/dkim/build-signature.ts'
import { formatKeyRecord, publicKeyText } from '../../src/standards/dkim/key-record.ts'
import { RelaxedBodyHash } from '../../src/standards/dkim/relaxed-body-hash.ts'
import { keysOf, verifyDkim } from '../../src/standards/dkim/verify.fixture.ts'
import { isSyntaxFault } from '../../src/standards/fault.ts'
import { scanHeaderSection } from '../../src/standards/message/header-section.ts'
import { type Domain, parseDomain } from '../../src/standards/names/domain.ts'
import { startDnsServer } from '../world/dns-server.ts'
import type { Zone } from '../world/zone.ts'
import { dkimpyIsThere, verifyWithDkimpy } from './dkimpy.ts'
import { rspamdIsThere, startRspamd } from './rspamd.ts'

/**
 * What we sign, verified by Debian's verifiers and by our own, over bodies that canonicalisations are known to trip on. The signing path
 * emits relaxed/relaxed alone, so that is what there is to verify.
 */

const onCi = process.env['CI'] === 'true'
const withDkimpy = dkimpyIsThere() || onCi ? test : test.skip
const withOpenDkim = existsSync('/usr/sbin/opendkim') || onCi ? test : test.skip
const withRspamd = rspamdIsThere() || onCi ? test : test.skip

const directory = mkdtempSync(join(tmpdir(), 'anechoic-signatures-'))
afterAll(() => rmSync(directory, { recursive: true }))

const domain = parseDomain('acme.example') as Domain
const signedAt = Math.floor(Date.now() / 1000)
const pairs = {
  'rsa-sha256': generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'ed25519-sha256': generateKeyPairSync('ed25519'),
}
const selectors = { 'rsa-sha256': 'rsa', 'ed25519-sha256': 'ed' } as const
const records = {
  'rsa._domainkey.acme.example': formatKeyRecord('rsa-sha256', publicKeyText(pairs['rsa-sha256'].publicKey)),
  'ed._domainkey.acme.example': formatKeyRecord('ed25519-sha256', publicKeyText(pairs['ed25519-sha256'].publicKey)),
}
const zone: Zone = Object.fromEntries(Object.entries(records).map(([name, record]) => [name, { TXT: [record] }]))

const bodies: Readonly<Record<string, Buffer>> = {
  empty: Buffer.alloc(0),
  trailingEmptyLines: Buffer.from('Hello\r\n \t\r\n\r\n\r\n'),
  eightBit: Buffer.from('g\xfcn \xe7\xff\x80\r\n', 'latin1'),
  longLines: Buffer.from(`${'x'.repeat(5000)}\r\n${'word  '.repeat(900)}\r\n`),
  // As an attachment comes: hardly a blank, but some where canonicalisation must see them.
  fiftyMegabytes: Buffer.concat(
    Array.from({ length: 52_000 }, (_one, at) =>
      Buffer.from(`${'QUJD'.repeat(240)}${at % 50 === 0 ? '  x \t' : ''}\r\n`),
    ),
  ),
}
const header =
  'From: Alice <alice@acme.example>\r\nTo: bob@far.example\r\nSubject:  hello\r\n\tthere\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\nMessage-ID: <1@acme.example>\r\n'

// The large body once: both algorithms hash it alike, and the verifiers take their time over it.
const matrix = (['rsa-sha256', 'ed25519-sha256'] as const).flatMap((algorithm) =>
  Object.entries(bodies)
    .filter(([name]) => name !== 'fiftyMegabytes' || algorithm === 'rsa-sha256')
    .map(([name, body]) => ({ algorithm, name, selector: selectors[algorithm], body })),
)

function signed(algorithm: SignatureAlgorithm, body: Buffer): Buffer {
  const section = scanHeaderSection(Buffer.from(header))
  if (isSyntaxFault(section)) throw new Error(section.reason)
  const hash = new RelaxedBodyHash()
  hash.update(body)
  const selector = selectors[algorithm]
  const draft = buildSignature({ section, domain, selector, algorithm, bodyHash: hash.digest(), signedAt })
  if (isSyntaxFault(draft)) throw new Error(draft.reason)
  const { privateKey } = pairs[algorithm]
  const input = draft.signingInput
  const signature =
    algorithm === 'rsa-sha256'
      ? sign('sha256', input, privateKey)
      : sign(null, createHash('sha256').update(input).digest(), privateKey)
  return Buffer.concat([draft.complete(signature), Buffer.from(`${header}\r\n`), body])
}

test('our own verifier passes every signature of ours', () => {
  const keys = keysOf(Object.fromEntries(Object.entries(records).map(([name, record]) => [name, [record]])))
  for (const { algorithm, name, body } of matrix)
    expect(verifyDkim(signed(algorithm, body), { keys, now: signedAt }), `${algorithm} ${name}`).toMatchObject([
      { result: 'pass', algorithm, uncoveredOctets: 0 },
    ])
}, 120_000)

withDkimpy(
  'dkimpy passes every signature of ours',
  () => {
    for (const { algorithm, name, body } of matrix)
      expect(verifyWithDkimpy(signed(algorithm, body), zone), `${algorithm} ${name}`).toMatchObject([
        { pass: true, algorithm },
      ])
  },
  300_000,
)

withOpenDkim(
  'OpenDKIM passes every signature of ours',
  () => {
    const keys = join(directory, 'keys')
    const configuration = join(directory, 'opendkim.conf')
    writeFileSync(
      keys,
      Object.entries(records)
        .map((row) => `${row.join(' ')}\n`)
        .join(''),
    )
    writeFileSync(configuration, `Mode v\nTestPublicKeys ${keys}\n`)
    const file = join(directory, 'message.eml')
    for (const { algorithm, name, selector, body } of matrix) {
      writeFileSync(file, signed(algorithm, body))
      const printed = execFileSync('/usr/sbin/opendkim', ['-x', configuration, '-t', file], { encoding: 'utf8' })
      expect(printed, `${algorithm} ${name}`).toContain(`verification (s=${selector}, d=acme.example`)
      expect(printed, `${algorithm} ${name}`).not.toContain('failed')
    }
  },
  300_000,
)

withRspamd(
  'rspamd passes every signature of ours',
  async () => {
    const dns = await startDnsServer(zone)
    const rspamd = await startRspamd(dns.address)
    try {
      for (const { algorithm, name, selector, body } of matrix)
        expect(await rspamd.passes(signed(algorithm, body)), `${algorithm} ${name}`).toEqual([
          `${selector}@acme.example`,
        ])
      const spoiled = Buffer.from(signed('rsa-sha256', Buffer.from('Hello\r\n')).toString().replace('Hello', 'Hullo'))
      expect(await rspamd.passes(spoiled)).toEqual([])
    } finally {
      await rspamd.stop()
      await dns.close()
    }
  },
  300_000,
)
