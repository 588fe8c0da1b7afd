import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readArf } from './index.ts'

const given = process.env['ANECHOIC_VECTORS']
const folder = join(given ?? '../shared/vectors', 'arf')
const present = given !== undefined || existsSync(folder)
if (!present) console.warn(`no vectors at ${folder}: real complaints are not read`)

type Expected = {
  readonly has_feedback_report: boolean
  readonly feedback_type: string | null
  readonly user_agent: string | null
  readonly source_ip: string | null
  readonly auth_failure: string | null
  readonly original_message_id: string | null
  readonly x_hmxmr_recipient: string | null
}

/** No report: Apple Mail's request to be taken off a list. */
const others = ['sisimai/arf-26.eml']

describe.skipIf(!present)('real feedback reports', () => {
  const { files } = present
    ? (JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as { readonly files: Record<string, Expected> })
    : { files: {} }

  test.each(Object.entries(files))('%s', (file, expected) => {
    const read = readArf(readFileSync(join(folder, file)))
    if (others.includes(file)) return expect(read).toBeNull()
    if (expected.has_feedback_report) {
      expect(read).toMatchObject({
        form: 'fields',
        feedbackType: expected.feedback_type,
        userAgent: expected.user_agent,
        authFailure: expected.auth_failure,
        sourceIp: expected.source_ip,
      })
    }
    if (expected.x_hmxmr_recipient !== null) {
      expect(read).toMatchObject({ form: 'jmrp', originalRcptTo: [expected.x_hmxmr_recipient] })
    }
    const messageId = read?.returned?.fields.get('message-id')?.[0] ?? null
    if (expected.original_message_id !== null) expect(messageId).toBe(expected.original_message_id.trim())
  })
})
