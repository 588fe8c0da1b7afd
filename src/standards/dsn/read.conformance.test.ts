import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { classOfReply } from '../smtp/reply-class.ts'
import { readDsn } from './index.ts'

const given = process.env['ANECHOIC_VECTORS']
const folder = join(given ?? '../shared/vectors', 'bounces')
const present = given !== undefined || existsSync(folder)
if (!present) console.warn(`no vectors at ${folder}: real reports are not read`)

/** Reports in words that name no code and no reason that would tell what went wrong; what they are about is read all the same. */
const withoutReason = [
  'kumomta/3.eml',
  'sisimai/lhost-gmail-07.eml',
  ...['01', '03', '05', '07', '09', '11', '13'].map((number) => `sisimai/lhost-googlegroups-${number}.eml`),
  'sisimai/lhost-googleworkspace-01.eml',
]

/** Reports that return nothing of the message, or a header section without a Message-ID. */
const withoutMessageId = [
  ...['1', '3', '5', 'obsolete_arrival_date'].map((name) => `kumomta/${name}.eml`),
  'sisimai/lhost-exchange2003-01.eml',
  'sisimai/lhost-exchange2007-01.eml',
  'sisimai/rhost-google-01.eml',
]

describe.skipIf(!present)('real reports of delivery', () => {
  const files = present
    ? ['kumomta', 'sisimai'].flatMap((one) =>
        readdirSync(join(folder, one))
          .filter((name) => name.endsWith('.eml'))
          .map((name) => `${one}/${name}`),
      )
    : []
  const read = (file: string) => readDsn(readFileSync(join(folder, file)))

  test('there are some', () => expect(files.length).toBeGreaterThan(50))

  test('each is read, with a recipient that failed or is late', () => {
    const missed = files.filter((file) => {
      const [first] = read(file)?.recipients ?? []
      return first === undefined || (first.action !== 'failed' && first.action !== 'delayed')
    })
    expect(missed).toEqual([])
  })

  test('each says why, but for those that give no reason', () => {
    const unclear = files.filter((file) => {
      const [first] = read(file)?.recipients ?? []
      return classOfReply({ code: null, enhanced: first?.status ?? null, text: first?.diagnostic ?? '' }) === 'unclear'
    })
    expect(unclear.toSorted()).toEqual(withoutReason.toSorted())
  })

  test('each gives back the Message-ID that it returns', () => {
    const missed = files.filter((file) => !read(file)?.returned?.fields.has('message-id'))
    expect(missed.toSorted()).toEqual(withoutMessageId.toSorted())
  })

  test('the words of Exchange, Gmail and Postfix are told', () => {
    const first = (file: string) => read(`sisimai/${file}.eml`)?.recipients[0]
    expect(first('lhost-exchange2003-05')).toMatchObject({ final: 'kijitora@example.com', action: 'failed' })
    expect(first('lhost-gmail-18')).toMatchObject({ final: 'kijitora@example.or.jp', status: '5.1.1' })
    expect(first('lhost-gmail-09')).toMatchObject({ action: 'delayed' })
    expect(first('rhost-google-05')).toMatchObject({ final: 'kijitora@google.example.com', status: '5.2.2' })
    expect(first('lhost-office365-06')).toMatchObject({ final: 'neko@libsisimai.org', status: '5.4.312' })
  })
})
