import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Refusal, classOfReply } from './reply-class.ts'
import type { ReplyClass } from './reply-patterns.ts'

const given = process.env['ANECHOIC_VECTORS']
const folder = join(given ?? '../shared/vectors', 'bounces')
const present = given !== undefined || existsSync(folder)
if (!present) console.warn(`no vectors at ${folder}: replies are not classified`)

/** What people read in these reports. */
const expected: readonly (readonly [string, ReplyClass])[] = [
  ['kumomta/1.eml', 'network'],
  ['kumomta/5.eml', 'full'],
  ['kumomta/obsolete_arrival_date.eml', 'recipient'],
  ['sisimai/lhost-exchange2007-01.eml', 'recipient'],
  ['sisimai/lhost-exchange2007-03.eml', 'content'],
  ['sisimai/lhost-exchange2007-05.eml', 'network'],
  ['sisimai/lhost-exchange2007-07.eml', 'recipient'],
  ['sisimai/lhost-office365-04.eml', 'recipient'],
  ['sisimai/lhost-office365-06.eml', 'domain'],
  ['sisimai/lhost-office365-08.eml', 'network'],
  ['sisimai/lhost-office365-10.eml', 'recipient'],
  ['sisimai/lhost-office365-12.eml', 'full'],
  ['sisimai/lhost-outlook-01.eml', 'full'],
  ['sisimai/lhost-outlook-03.eml', 'domain'],
  ['sisimai/lhost-outlook-08.eml', 'recipient'],
  ['sisimai/rhost-google-01.eml', 'inactive'],
  ['sisimai/rhost-google-03.eml', 'auth'],
  ['sisimai/rhost-google-05.eml', 'full'],
  ['sisimai/rhost-google-07.eml', 'inactive'],
  ['sisimai/rhost-gsuite-01.eml', 'recipient'],
  ['sisimai/rhost-gsuite-03.eml', 'domain'],
  ['sisimai/rhost-gsuite-05.eml', 'domain'],
  ['sisimai/rhost-gsuite-07.eml', 'network'],
  ['sisimai/rhost-gsuite-09.eml', 'recipient'],
  ['sisimai/rhost-gsuite-11.eml', 'auth'],
  ['sisimai/rhost-gsuite-13.eml', 'domain'],
  ['sisimai/rhost-gsuite-15.eml', 'domain'],
  ['sisimai/rhost-microsoft-02.eml', 'recipient'],
  ['sisimai/rhost-microsoft-04.eml', 'auth'],
  ['sisimai/rhost-mimecast-02.eml', 'content'],
  ['sisimai/rhost-outlook-02.eml', 'recipient'],
  ['sisimai/rhost-outlook-04.eml', 'recipient'],
  ['sisimai/rhost-outlook-09.eml', 'auth'],
]

/** Reports in words, without the reply in a field: where one is quoted it is taken from there, else the words themselves. */
const expectedInWords: readonly (readonly [string, ReplyClass])[] = [
  ['kumomta/3.eml', 'recipient'],
  ['sisimai/lhost-exchange2003-01.eml', 'recipient'],
  ['sisimai/lhost-exchange2003-03.eml', 'recipient'],
  ['sisimai/lhost-exchange2003-05.eml', 'recipient'],
  ['sisimai/lhost-gmail-05.eml', 'policy'],
  ['sisimai/lhost-gmail-07.eml', 'unclear'],
  ['sisimai/lhost-gmail-09.eml', 'network'],
  ['sisimai/lhost-gmail-11.eml', 'network'],
  ['sisimai/lhost-gmail-16.eml', 'full'],
  ['sisimai/lhost-gmail-18.eml', 'recipient'],
  ['sisimai/lhost-office365-02.eml', 'recipient'],
  ['sisimai/lhost-outlook-06.eml', 'network'],
  ['sisimai/rhost-microsoft-06.eml', 'auth'],
  ['sisimai/rhost-outlook-07.eml', 'network'],
]

/** Those of which the class is not what a person reads; each stands in docs/conformance.md too. */
const misses: readonly (readonly [string, ReplyClass])[] = [
  ['sisimai/lhost-gmail-03.eml', 'protocol'],
  ['sisimai/lhost-googlegroups-01.eml', 'recipient'],
  ['sisimai/lhost-googlegroups-03.eml', 'recipient'],
  ['sisimai/lhost-googlegroups-05.eml', 'recipient'],
  ['sisimai/lhost-googlegroups-07.eml', 'recipient'],
  ['sisimai/lhost-googlegroups-09.eml', 'recipient'],
  ['sisimai/lhost-googlegroups-11.eml', 'recipient'],
  ['sisimai/lhost-googlegroups-13.eml', 'recipient'],
  ['sisimai/lhost-googleworkspace-01.eml', 'auth'],
]

describe.skipIf(!present)('replies quoted in real reports', () => {
  test.each(expected)('%s is about %s', (file, wanted) => {
    const refusal = refusalInField(unfolded(file))
    expect(classOfReply(refusal), refusal.text).toBe(wanted)
  })

  test.each(expectedInWords)('%s is about %s, in words', (file, wanted) => {
    const refusal = refusalInWords(unfolded(file))
    expect(classOfReply(refusal), refusal.text).toBe(wanted)
  })

  test.each(misses)('%s is a miss still', (file, wanted) => {
    expect(classOfReply(refusalInWords(unfolded(file)))).not.toBe(wanted)
    expect(readFileSync(new URL('../../../docs/conformance.md', import.meta.url), 'utf8')).toContain(
      file.replace('sisimai/', '').replace('.eml', ''),
    )
  })

  test('every report is classified or among the misses', () => {
    const named = [...expected, ...expectedInWords, ...misses].map(([file]) => file)
    const there = ['kumomta', 'sisimai'].flatMap((from) =>
      readdirSync(join(folder, from)).flatMap((name) => (name.endsWith('.eml') ? [`${from}/${name}`] : [])),
    )
    expect(named.toSorted()).toEqual(there.toSorted())
  })
})

function unfolded(file: string): string {
  return readFileSync(join(folder, file), 'latin1')
    .replaceAll('\r\n', '\n')
    .replaceAll('=\n', '')
    .replaceAll(/\n[ \t]+/g, ' ')
}

function refusalInField(report: string): Refusal {
  const text = /^Diagnostic-Code: *[a-z0-9-]+ *; *(.*)$/im.exec(report)?.[1] ?? ''
  return refusalOf(text, /^Status: *([245]\.\d+\.\d+)/im.exec(report)?.[1] ?? null)
}

/** What stands before the returned message. */
function refusalInWords(report: string): Refusal {
  const [words = ''] = report
    .slice(report.indexOf('\n\n'))
    .split(/----- Original message|\nContent-Type: message\/rfc822/i)
  const quoted = /\b([45]\d\d)[ -](?:\1[ -])?#?[45]\.\d{1,3}\.\d{1,3} .*/.exec(words)?.[0]
  const status = /^Status: *([245]\.\d+\.\d+)/im.exec(report)?.[1] ?? null
  return refusalOf(quoted?.replace(/^(\d{3})[ -]\1/, '$1') ?? words.replaceAll(/^content-.*$/gim, ''), status)
}

function refusalOf(text: string, status: string | null): Refusal {
  const [, code, enhanced] = /^(\d{3})[ -](?:#?([245]\.\d{1,3}\.\d{1,3}))?/.exec(text) ?? []
  return { code: code === undefined ? null : Number(code), enhanced: enhanced ?? status, text }
}
