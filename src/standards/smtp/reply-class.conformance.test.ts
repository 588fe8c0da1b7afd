import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { classOfReply } from './reply-class.ts'
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

describe.skipIf(!present)('replies quoted in real reports', () => {
  test.each(expected)('%s is about %s', (file, wanted) => {
    const report = readFileSync(join(folder, file), 'latin1')
      .replaceAll('\r\n', '\n')
      .replaceAll(/\n[ \t]+/g, ' ')
    const text = /^Diagnostic-Code: *[a-z0-9-]+ *; *(.*)$/im.exec(report)?.[1] ?? ''
    const status = /^Status: *([245]\.\d+\.\d+)/im.exec(report)?.[1] ?? null
    const [, code, enhanced] = /^(\d{3})[ -](?:#?([245]\.\d{1,3}\.\d{1,3}))?/.exec(text) ?? []
    const refusal = { code: code === undefined ? null : Number(code), enhanced: enhanced ?? status, text }
    expect(classOfReply(refusal), text).toBe(wanted)
  })
})
