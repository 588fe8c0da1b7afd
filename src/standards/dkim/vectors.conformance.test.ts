import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { BodyHashes } from './body-hashes.ts'
import type { KeyAnswers } from './key-answers.ts'
import type { DkimWord } from './signature-result.ts'
import { cut, keysOf, verifyDkim, verifyMessage, withLineEnds } from './verify.fixture.ts'

/** Other verifiers' test messages, read in place. */

const given = process.env['ANECHOIC_VECTORS']
const vectors = resolve(given ?? '../shared/vectors')
const present = given !== undefined || existsSync(vectors)
if (!present) console.warn('no vectors: set ANECHOIC_VECTORS to verify the messages of other DKIM suites')
const folder = join(vectors, 'dkim')

const november2026 = 1_795_500_000

/** Messages whose result is another than their suite expects, and why that is right. */
const misses: Readonly<Record<string, string>> = {
  'rspamd/arcallow.eml': 'the keys of microsoft.com and google.com are not in the zone that comes with it',
}

const zone = z.record(
  z.string(),
  z.looseObject({
    TXT: z.array(z.union([z.string(), z.array(z.string())])).optional(),
    error: z.string().optional(),
    TXT_error: z.string().optional(),
  }),
)

function keysIn(records: unknown): KeyAnswers {
  const answers: Record<string, readonly string[] | 'unavailable'> = {}
  for (const [name, { TXT, error, TXT_error: textError }] of Object.entries(zone.parse(records))) {
    const trouble = textError ?? error
    if (trouble !== undefined && trouble !== 'NXDOMAIN') answers[name] = 'unavailable'
    else if (TXT !== undefined && TXT.length > 0)
      answers[name] = TXT.map((text) => (typeof text === 'string' ? text : text.join('')))
  }
  return keysOf(answers)
}

function read(...path: readonly string[]): string {
  return readFileSync(join(folder, ...path), 'latin1')
}

function json(...path: readonly string[]): unknown {
  return JSON.parse(read(...path)) as unknown
}

/** One valid signature is enough; else the first that is not a plain fail speaks. */
function overall(words: readonly DkimWord[]): DkimWord | 'none' {
  if (words.length === 0) return 'none'
  return words.includes('pass') ? 'pass' : (words.find((word) => word !== 'fail') ?? 'fail')
}

function wordOf(message: Buffer, keys: KeyAnswers, now = november2026): DkimWord | 'none' {
  return overall((verifyMessage(message, { keys, now })?.dkim ?? []).map(({ result }) => result))
}

/** A listed miss that has begun to agree with its suite fails, so that the list stays true. */
function expectResult(name: string, got: string, agrees: boolean): void {
  expect(agrees, `${name}: ${got}${misses[name] === undefined ? '' : ', and it is listed as a miss'}`).toBe(
    misses[name] === undefined,
  )
}

const mailDkim = z.object({
  cases: z.array(z.object({ file: z.string(), expect: z.string(), strict_expect: z.enum(['pass', 'not-pass']) })),
})
const withZone = z.object({ dns: z.unknown(), cases: z.array(z.object({ file: z.string(), expect: z.string() })) })
const rspamd = z.object({
  cases: z.array(
    z.object({
      name: z.string(),
      file: z.string(),
      expect: z.object({ dkim: z.string().optional(), arc: z.string().optional() }),
      must_not: z.array(z.string()).optional(),
    }),
  ),
})

describe.runIf(present)('Mail::DKIM, by RFC 8301', () => {
  const { cases } = present ? mailDkim.parse(json('mail-dkim', 'cases.json')) : { cases: [] }
  it('is there', () => expect(cases.length).toBeGreaterThan(25))

  it.each(cases)('$file', ({ file, expect: word, strict_expect: strict }) => {
    const keys = keysIn(json('mail-dkim', 'dns.json'))
    const got = wordOf(withLineEnds(read('mail-dkim', file)), keys)
    expectResult(`mail-dkim/${file}`, got, (got === 'pass') === (strict === 'pass'))
    if (word === 'temperror') expect(got).toBe('temperror')
  })
})

describe.runIf(present)('rspamd', () => {
  const { cases } = present ? rspamd.parse(json('rspamd', 'cases.json')) : { cases: [] }
  const relevant = cases.filter(
    ({ expect: wanted, must_not: never }) => (wanted.dkim ?? wanted.arc ?? never) !== undefined,
  )
  it('is there', () => expect(relevant.length).toBeGreaterThan(7))

  it.each(relevant)('$name', ({ file, expect: wanted, must_not: never }) => {
    const keys = keysIn(json('rspamd', 'dns.json'))
    const verdicts = verifyMessage(withLineEnds(read('rspamd', file)), { keys, now: november2026 })
    const dkim = overall((verdicts?.dkim ?? []).map(({ result }) => result))
    if (wanted.dkim !== undefined) expectResult(`rspamd/${file}`, dkim, dkim === wanted.dkim)
    if (wanted.arc !== undefined) {
      const arc = verdicts?.arc.result ?? 'none'
      expectResult(`rspamd/${file}`, arc, arc === wanted.arc)
    }
    for (const one of never ?? []) expect(`dkim=${dkim}`).not.toBe(one)
  })
})

describe.runIf(present)('chasquid', () => {
  const results = z.object({
    Results: z.array(z.object({ Domain: z.string(), Selector: z.string(), State: z.string() })),
  })
  const names = present
    ? readdirSync(join(folder, 'chasquid')).flatMap((file) => (file.endsWith('.result') ? [file.slice(0, -7)] : []))
    : []
  it('is there', () => expect(names.length).toBeGreaterThan(4))

  it.each(names)('%s', (name) => {
    const answers: Record<string, string[] | 'unavailable'> = {}
    for (const line of read('chasquid', `${name}.dns`).replace(/\\\n/g, '').split('\n')) {
      const [key = '', ...rest] = line.split(': ')
      const text = rest.join(': ').trim()
      if (text === 'TEMPERROR') answers[key] = 'unavailable'
      else if (text !== '') answers[key] = [...(Array.isArray(answers[key]) ? answers[key] : []), text]
    }
    const dkim = verifyDkim(withLineEnds(read('chasquid', `${name}.msg`)), {
      keys: keysOf(answers),
      now: november2026,
    })
    const words: Readonly<Record<string, (word: DkimWord) => boolean>> = {
      SUCCESS: (word) => word === 'pass',
      TEMPFAIL: (word) => word === 'temperror',
      PERMFAIL: (word) => word !== 'pass' && word !== 'temperror',
    }
    const expected = results.parse(json('chasquid', `${name}.result`)).Results
    expect(dkim.map(({ domain, selector }) => ({ domain, selector }))).toEqual(
      expected.map(({ Domain, Selector }) => ({ domain: Domain, selector: Selector })),
    )
    expected.forEach(({ State }, at) => {
      const got = dkim[at]?.result ?? 'fail'
      expectResult(`chasquid/${name}/${at}`, got, words[State]?.(got) ?? false)
    })
  })

  it('03-bad_message has no header section to verify in', () => {
    expect(verifyMessage(withLineEnds(read('chasquid', '03-bad_message.msg')), { keys: keysOf({}), now: 0 })).toBeNull()
  })

  it('09-limited_body tells how much l= leaves open', () => {
    const message = withLineEnds(read('chasquid', '09-limited_body.msg'))
    const [limited, ...whole] = verifyDkim(message, { keys: keysOf({}), now: november2026 })
    expect(limited).toMatchObject({ bodyLength: 17, uncoveredOctets: 37 })
    for (const one of whole) expect(one).toMatchObject({ bodyLength: null, uncoveredOctets: 0 })
  })
})

describe.runIf(present)('mail-auth', () => {
  const files = present ? readdirSync(join(folder, 'mail-auth')) : []
  it('is there', () => expect(files).toHaveLength(3))

  it.each(files)('%s passes at the time it was sent', (file) => {
    const text = read('mail-auth', file).replace(/\r\n/g, '\n')
    const end = text.indexOf('\n\n')
    const keys = keysOf(
      Object.fromEntries(
        text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.slice(0, line.indexOf(' ')), [line.slice(line.indexOf(' ') + 1)]]),
      ),
    )
    const message = withLineEnds(text.slice(end + 2))
    const dkim = verifyDkim(message, { keys, now: 1_667_843_664 })
    expect(dkim.map(({ result }) => result)).toEqual(dkim.map(() => 'pass'))
    expect(dkim.length).toBeGreaterThan(0)
    const later = verifyDkim(message, { keys, now: november2026 })
    expect(later.map(({ result }) => result)).toEqual(
      dkim.map(({ expiresAt }) => (expiresAt === null ? 'pass' : 'policy')),
    )
  })
})

describe.runIf(present)('dkimpy and go-msgauth', () => {
  const suites = (present ? ['dkimpy', 'go-msgauth'] : []).map((suite) => {
    const { dns, cases } = withZone.parse(json(suite, 'cases.json'))
    return { suite, dns, cases }
  })
  it.each(suites.flatMap(({ suite, dns, cases }) => cases.map((one) => ({ suite, dns, ...one }))))(
    '$suite/$file',
    ({ suite, dns, file, expect: word }) => {
      const got = wordOf(withLineEnds(read(suite, file)), keysIn(dns))
      expectResult(`${suite}/${file}`, got, got === word)
    },
  )

  it('dkimpy: both signatures of the message of RFC 6376, and neither when an octet changes', () => {
    const keys = keysIn(withZone.parse(json('dkimpy', 'cases.json')).dns)
    const text = read('dkimpy', 'rfc6376.signed.msg')
    const words = (changed: string) =>
      verifyDkim(withLineEnds(changed), { keys, now: november2026 }).map(({ result }) => result)
    expect(words(text)).toEqual(['pass', 'pass'])
    expect(words(text.replace('hungry', 'hungrY'))).toEqual(['fail', 'fail'])
    expect(words(text.replace('Subject: Is', 'Subject: Was'))).toEqual(['fail', 'fail'])
  })
})

describe.runIf(present)('mailauth', () => {
  it('signed.eml passes twice with keys in several strings', () => {
    const keys = keysIn(json('mailauth-ec', 'dns.json'))
    const dkim = verifyDkim(withLineEnds(read('mailauth-ec', 'signed.eml')), { keys, now: november2026 })
    expect(dkim.map(({ result, algorithm, keyBits }) => [result, algorithm, keyBits])).toEqual([
      ['pass', 'ed25519-sha256', 256],
      ['pass', 'rsa-sha256', 1024],
    ])
  })

  // Their keys are no longer to be had; what needs no key is looked at.
  it.each([
    ['message1.eml', []],
    ['message4.eml', ['qZQWTbOhUwtjFbiSuywcDjgZkYuAeZ+65mtqLMgU/lc=']],
    ['zproov.eml', ['soxpikzF1NS7d4EGty4OcndOaSKP5vQFKHf5PLPm6Aw=']],
  ])('%s has the body that was signed', (file, hashes) => {
    const message = withLineEnds(read('mailauth-messages', file))
    const dkim = verifyDkim(message, { keys: new Map(), now: 1_602_669_200 })
    expect(dkim.map(({ result }) => result)).toEqual(hashes.map(() => 'temperror'))
    const bodies = new BodyHashes()
    const wanted = bodies.want('relaxed', null)
    bodies.update(cut(message).body)
    for (const hash of hashes) expect(wanted.read().digest?.toString('base64')).toBe(hash)
  })
})
