import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'
import { BodyHashes } from '../dkim/body-hashes.ts'
import { cut, keysOf, verifyMessage, withLineEnds } from '../dkim/verify.fixture.ts'
import type { ArcResult } from './result.ts'

/** Other verifiers' ARC chains, read in place. */

const given = process.env['ANECHOIC_VECTORS']
const vectors = resolve(given ?? '../shared/vectors')
const present = given !== undefined || existsSync(vectors)
if (!present) console.warn('no vectors: set ANECHOIC_VECTORS to verify the chains of other ARC suites')
const folder = join(vectors, 'arc')

const november2026 = 1_795_500_000

/** Cases whose result is another than their suite expects, and why that is right. */
const misses: Readonly<Record<string, string>> = {}

const scenario = z.object({
  description: z.string(),
  tests: z.record(z.string(), z.object({ message: z.string(), cv: z.string().nullable(), description: z.string() })),
  'txt-records': z.record(z.string(), z.string()),
})

type Case = {
  readonly name: string
  readonly message: string
  readonly cv: string
  readonly zone: Record<string, string[]>
}

function cases(): readonly Case[] {
  const text = readFileSync(join(folder, 'valimail', 'arc-draft-validation-tests.yml'), 'utf8')
  return parseAllDocuments(text).flatMap((document) => {
    const { tests, 'txt-records': records } = scenario.parse(document.toJS())
    const zone = Object.fromEntries(Object.entries(records).map(([name, record]) => [name, [record]]))
    return Object.entries(tests).map(([name, { message, cv }]) => ({ name, message, cv: cv?.trim() ?? '', zone }))
  })
}

function arcOf(message: Buffer, zone: Record<string, readonly string[]>, now = november2026): ArcResult | null {
  return verifyMessage(message, { keys: keysOf(zone), now })?.arc ?? null
}

describe.runIf(present)('the validation tests of Valimail', () => {
  const all = present ? cases() : []
  it('are there', () => expect(all.length).toBeGreaterThan(80))

  it.each(all)('$name', ({ name, message, cv, zone }) => {
    const got = arcOf(withLineEnds(message), zone)?.result ?? 'none'
    // An empty cv is theirs for a chain that had failed already and is not looked at any more.
    const wanted = cv === '' ? 'fail' : cv.toLowerCase()
    expect(got === wanted, `${name}: ${got}, not ${wanted}`).toBe(misses[name] === undefined)
  })
})

describe.runIf(present)('the chain of mail-auth', () => {
  const text = present ? readFileSync(join(folder, 'mail-auth', '002.txt'), 'latin1').replace(/\r\n/g, '\n') : ''
  const end = text.indexOf('\n\n')
  const zone = Object.fromEntries(
    text
      .slice(0, end)
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf(' ')), [line.slice(line.indexOf(' ') + 1)]]),
  )
  const message = text.slice(end + 2)

  it('passes over RSA and Ed25519, each set told apart', () => {
    const arc = arcOf(withLineEnds(message), zone, 1_667_843_664)
    expect(arc).toMatchObject({ result: 'pass', temporary: false })
    expect(arc?.sets.map(({ instance, seal, messageSignature }) => [instance, seal, messageSignature?.result])).toEqual(
      [
        [
          1,
          expect.objectContaining({ result: 'pass', domain: 'scamorza.org', chainValidation: 'none', keyBits: 256 }),
          undefined,
        ],
        [
          2,
          expect.objectContaining({ result: 'pass', domain: 'manchego.org', chainValidation: 'pass', keyBits: 1024 }),
          'pass',
        ],
      ],
    )
    expect(arc?.sets[1]?.authenticationResults).toMatch(/^manchego\.org;\s+dkim=pass header\.d=manchego\.org/)
  })

  it.each([
    ['an octet of the body', (whole: string) => `${whole}x\n`],
    ['an older result', (whole: string) => whole.replace('i=1; scamorza.org;', 'i=1; gorgonzola.org;')],
    ['a signed field', (whole: string) => whole.replace(/^Subject: /m, 'Subject: x')],
  ])('fails once %s is changed', (_what, change) => {
    expect(change(message)).not.toBe(message)
    expect(arcOf(withLineEnds(change(message)), zone)).toMatchObject({ result: 'fail', temporary: false })
  })

  it('is neither lost nor passed when a key cannot be looked up', () => {
    const verdict = verifyMessage(withLineEnds(message), { keys: new Map(), now: november2026 })
    expect(verdict?.arc).toMatchObject({ result: 'fail', temporary: true })
  })
})

// The keys of these are no longer to be had; what needs no key is looked at.
describe.runIf(present)('chains of real mail', () => {
  it.each([
    ['kumomta/arc-example.eml', ['messagingengine.com']],
    ['mailauth/arc-pass.eml', ['google.com', 'google.com']],
    ['mailauth/arc-fail.eml', ['google.com', 'google.com']],
  ] as const)('%s', (file, sealers) => {
    const message = withLineEnds(readFileSync(join(folder, file), 'latin1'))
    const arc = verifyMessage(message, { keys: new Map(), now: november2026 })?.arc
    expect(arc).toMatchObject({ result: 'fail', temporary: true })
    expect(arc?.sets.map(({ seal }) => seal.domain)).toEqual(sealers)
    const bodies = new BodyHashes()
    const wanted = bodies.want('relaxed', null)
    bodies.update(cut(message).body)
    const signed = /^ARC-Message-Signature: i=\d;(?:[^\r]|\r\n[ \t])*?bh=((?:[^;\r]|\r\n[ \t]+)*)/m.exec(
      message.toString('latin1'),
    )
    const hash = signed?.[1]?.replace(/\s/g, '')
    expect(wanted.read().digest?.toString('base64')).toBe(hash)
  })
})
