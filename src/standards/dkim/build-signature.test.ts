import { execFileSync } from 'node:child_process'
import { verify } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dkimVerify } from 'mailauth/lib/dkim/verify.js'
import { afterAll, describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { type Domain, parseDomain } from '../names/domain.ts'
import type { SignatureAlgorithm } from './algorithm.ts'
import { type SignatureDraft, buildSignature, signatureLifetime } from './build-signature.ts'
import { RelaxedBodyHash } from './relaxed-body-hash.ts'
import { pairs, recordOf, scanned, signOctets } from './sign.fixture.ts'
import { parseSignatureTags } from './signature-tags.ts'

const domain = parseDomain('acme.example') as Domain
const signedAt = Math.floor(Date.now() / 1000)
const algorithms: readonly SignatureAlgorithm[] = ['rsa-sha256', 'ed25519-sha256']
const workingDirectory = mkdtempSync(join(tmpdir(), 'anechoic-dkim-'))
afterAll(() => rmSync(workingDirectory, { recursive: true }))

const headers = {
  plain:
    'From: Alice <alice@acme.example>\r\nTo: bob@far.example\r\nSubject: hello\r\nDate: Tue, 24 Nov 2026 10:00:00 +0000\r\n',
  folded:
    'FROM :\t"Alice,\r\n  of Acme"\r\n\t<alice@acme.example>  \r\nSubject:  a \t subject\r\n  that\r\n\tgoes on\t\r\nTo:\r\n bob@far.example\r\n',
  repeated:
    'Received: one\r\nFrom: alice@acme.example\r\nReferences: <1@x>\r\nSubject: first\r\nTo: a@far.example\r\nSubject: second\r\nTo: b@far.example\r\n',
  mailingList:
    'From: alice@acme.example\r\nSender: list@acme.example\r\nList-Id: <l.acme.example>\r\nList-Unsubscribe: <https://acme.example/u>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nResent-From: alice@acme.example\r\nSubject:\r\n',
  utf8: 'From: "Çiğdem" <cigdem@acme.example>\r\nSubject: günaydın  dünya\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n',
}
// A folded name with blanks before the colon is refused long before a signature; canonicalisation of it has its own test.
const sendable = { ...headers, folded: headers.folded.replace('FROM :', 'FROM:') }

const bodies: Readonly<Record<string, Buffer>> = {
  empty: Buffer.alloc(0),
  emptyLinesAlone: Buffer.from('\r\n\r\n \t\r\n'),
  trailingEmptyLines: Buffer.from('Hello\r\n\r\n\r\n'),
  eightBit: Buffer.from('g\xfcn \xe7\xff\x80\r\n', 'latin1'),
  longLines: Buffer.from(`${'x'.repeat(5000)}\r\n${'word '.repeat(900)}\r\n`),
  whiteSpaceRuns: Buffer.from('  a \t  b\t\r\n\t\r\n   \r\n c\r\n'),
  noLineEndAtTheEnd: Buffer.from('no line end'),
}

function draftOf(header: string, body: Buffer, algorithm: SignatureAlgorithm): SignatureDraft {
  const hash = new RelaxedBodyHash()
  hash.update(body)
  const bodyHash = hash.digest()
  const draft = buildSignature({
    section: scanned(Buffer.from(header)),
    domain,
    selector: 'sel-1',
    algorithm,
    bodyHash,
    signedAt,
  })
  if (isSyntaxFault(draft)) throw new Error(draft.reason)
  return draft
}

function signedMessage(header: string, body: Buffer, algorithm: SignatureAlgorithm): Buffer {
  const draft = draftOf(header, body, algorithm)
  const signature = signOctets(draft.signingInput, algorithm, pairs[algorithm].privateKey)
  return Buffer.concat([draft.complete(signature), Buffer.from(header), Buffer.from('\r\n'), body])
}

const matrix = algorithms.flatMap((algorithm) =>
  Object.entries(sendable).flatMap(([headerName, header]) =>
    Object.entries(bodies).map(([bodyName, body]) => ({ algorithm, headerName, header, bodyName, body })),
  ),
)

async function mailauthSays(message: Buffer, algorithm: SignatureAlgorithm): Promise<string> {
  const result = await dkimVerify(message, {
    resolver: (name: string, type: string) => {
      if (name === 'sel-1._domainkey.acme.example' && type === 'TXT') return Promise.resolve([[recordOf(algorithm)]])
      return Promise.reject(Object.assign(new Error(name), { code: 'ENOTFOUND' }))
    },
  })
  return result.results.map((one: { status: { result: string } }) => one.status.result).join()
}

const dkimpy = `
import sys, json, dkim
records = json.load(open(sys.argv[1]))
answers = []
for case in records['cases']:
    message = open(case['file'], 'rb').read()
    record = case['record'].encode()
    answers.append(bool(dkim.verify(message, dnsfunc=lambda name, timeout=5: record)))
print(json.dumps(answers))
`

function dkimpySays(cases: readonly { readonly file: string; readonly record: string }[]): readonly boolean[] {
  const list = join(workingDirectory, 'cases.json')
  writeFileSync(list, JSON.stringify({ cases }))
  return JSON.parse(execFileSync('/usr/bin/python3', ['-c', dkimpy, list], { encoding: 'utf8' })) as boolean[]
}

describe('a built signature', () => {
  it('verifies with mailauth for every header, body and algorithm', async () => {
    for (const { algorithm, header, body, headerName, bodyName } of matrix) {
      const message = signedMessage(header, body, algorithm)
      expect(await mailauthSays(message, algorithm), `${algorithm} ${headerName} ${bodyName}`).toBe('pass')
    }
  })

  it('verifies with dkimpy for every header, body and algorithm', () => {
    const cases = matrix.map(({ algorithm, header, body }, index) => {
      const file = join(workingDirectory, `${index}.eml`)
      writeFileSync(file, signedMessage(header, body, algorithm))
      return { file, record: recordOf(algorithm) }
    })
    const answers = dkimpySays(cases)
    const failed = matrix.filter((_case, index) => answers[index] !== true)
    expect(failed.map((one) => `${one.algorithm} ${one.headerName} ${one.bodyName}`)).toEqual([])
  })

  it('verifies with OpenDKIM for every header and body of whole lines, and for both algorithms', () => {
    for (const algorithm of algorithms) {
      // OpenDKIM's file reader works line by line and drops a last line without an end.
      const cases = matrix.filter((one) => one.algorithm === algorithm && one.bodyName !== 'noLineEndAtTheEnd')
      const keys = join(workingDirectory, `${algorithm}.keys`)
      const configuration = join(workingDirectory, `${algorithm}.conf`)
      writeFileSync(keys, `sel-1._domainkey.acme.example ${recordOf(algorithm)}\n`)
      writeFileSync(configuration, `Mode v\nTestPublicKeys ${keys}\n`)
      const files = cases.map(({ header, body }, index) => {
        const file = join(workingDirectory, `opendkim-${algorithm}-${index}.eml`)
        writeFileSync(file, signedMessage(header, body, algorithm))
        return file
      })
      const printed = execFileSync('/usr/sbin/opendkim', ['-x', configuration, '-t', files.join(',')], {
        encoding: 'utf8',
      })
      const failed = cases.filter(
        (_case, index) => !printed.includes(`${files[index]}: verification (s=sel-1, d=acme.example`),
      )
      expect(failed.map((one) => `${one.headerName} ${one.bodyName}`)).toEqual([])
      expect(printed).not.toContain('failed')
    }
  })

  it('fails with both when the body or a signed field changes', async () => {
    const message = signedMessage(sendable.plain, Buffer.from('Hello\r\n'), 'rsa-sha256').toString('latin1')
    const spoiled = [
      message.replace('Hello', 'Hullo'),
      message.replace('Subject: hello', 'Subject: hallo'),
      message.replace('Subject: hello', 'Subject: hello\r\nSubject: another'),
      `Reply-To: mallory@evil.example\r\n${message}`,
      `From: mallory@evil.example\r\n${message}`,
      `Content-Type: text/html\r\n${message}`,
    ].map((text) => Buffer.from(text, 'latin1'))
    for (const one of spoiled) expect(await mailauthSays(one, 'rsa-sha256')).not.toBe('pass')
    const cases = spoiled.map((one, index) => {
      const file = join(workingDirectory, `spoiled-${index}.eml`)
      writeFileSync(file, one)
      return { file, record: recordOf('rsa-sha256') }
    })
    expect(dkimpySays(cases)).toEqual(spoiled.map(() => false))
  })

  it('says what it should and nothing more', () => {
    const draft = draftOf(sendable.repeated, bodies['eightBit'] as Buffer, 'rsa-sha256')
    const field = draft.complete(Buffer.alloc(256, 7)).toString('latin1')
    expect(field.startsWith('DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=acme.example;')).toBe(true)
    expect(field.endsWith('\r\n')).toBe(true)
    for (const line of field.split('\r\n')) expect(line.length).toBeLessThanOrEqual(78)
    expect(field.slice(0, -2).replaceAll('\r\n ', '')).not.toMatch(/[\r\n]/)
    const tags = parseSignatureTags(field.slice('DKIM-Signature:'.length))
    if (isSyntaxFault(tags)) throw new Error(tags.reason)
    expect(tags).toMatchObject({
      domain: 'acme.example',
      selector: 'sel-1',
      bodyLength: null,
      signedAt,
      expiresAt: signedAt + signatureLifetime,
    })
    expect(field).not.toMatch(/\b[lizq]=/)
    const count = (name: string) => tags.signedFields.filter((one) => one === name).length
    expect(tags.signedFields[0]).toBe('from')
    expect({
      from: count('from'),
      to: count('to'),
      subject: count('subject'),
      references: count('references'),
    }).toEqual({
      from: 2,
      to: 3,
      subject: 3,
      references: 2,
    })
    expect({ cc: count('cc'), replyTo: count('reply-to'), type: count('content-type') }).toEqual({
      cc: 1,
      replyTo: 1,
      type: 1,
    })
    expect({ received: count('received'), sender: count('sender'), listId: count('list-id') }).toEqual({
      received: 0,
      sender: 0,
      listId: 0,
    })
  })

  it('signs the lowest of repeated fields first (RFC 6376 §5.4.2)', () => {
    const lines = draftOf(sendable.repeated, Buffer.alloc(0), 'ed25519-sha256')
      .signingInput.toString('latin1')
      .split('\r\n')
    expect(lines.slice(0, 6)).toEqual([
      'from:alice@acme.example',
      'to:b@far.example',
      'to:a@far.example',
      'subject:second',
      'subject:first',
      'references:<1@x>',
    ])
    expect(lines.at(-1)).toMatch(/^dkim-signature:v=1; a=ed25519-sha256; .*; b=$/)
    expect(lines).toHaveLength(7)
  })

  it('oversigns list and resent fields that are there', () => {
    const input = draftOf(sendable.mailingList, Buffer.alloc(0), 'rsa-sha256').signingInput.toString('latin1')
    expect(input.replaceAll(': ', ':')).toContain('list-unsubscribe-post:list-unsubscribe-post')
    expect(input.replaceAll(': ', ':')).toContain('sender:sender:resent-from:resent-from')
  })

  it('verifies under the public key as it came', () => {
    const draft = draftOf(sendable.plain, Buffer.alloc(0), 'rsa-sha256')
    const signature = signOctets(draft.signingInput, 'rsa-sha256', pairs['rsa-sha256'].privateKey)
    expect(verify('sha256', draft.signingInput, pairs['rsa-sha256'].publicKey, signature)).toBe(true)
  })

  it.each([
    ['no From', 'To: bob@far.example\r\n'],
    ['two From', 'From: a@acme.example\r\nFrom: b@acme.example\r\n'],
    ['a blank before a colon', headers.folded],
  ])('is refused to a section with %s', (_name, header) => {
    const draft = buildSignature({
      section: scanned(Buffer.from(header)),
      domain,
      selector: 'sel-1',
      algorithm: 'rsa-sha256',
      bodyHash: Buffer.alloc(32),
      signedAt,
    })
    expect(isSyntaxFault(draft)).toBe(true)
  })
})
