import { expect, test } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { scanHeaderSection } from './header-section.ts'
import { readListMark } from './one-click.ts'

function markOf(...fields: readonly string[]) {
  const limits = { maxBytes: 100_000, maxFields: 100 }
  const section = scanHeaderSection(Buffer.from(['From: a@b.example', ...fields, ''].join('\r\n')), limits)
  if (isSyntaxFault(section)) throw new Error(section.reason)
  return readListMark(section)
}

const https = 'List-Unsubscribe: <mailto:u@b.example>, <https://b.example/u/1>'
const post = 'List-Unsubscribe-Post: List-Unsubscribe=One-Click'

test.each([
  ['ordinary mail', [], null],
  ['a list without a way out', ['List-Id: <news.b.example>'], { marked: true, oneClick: 'none' }],
  ['bulk by its precedence', ['Precedence: Bulk'], { marked: true, oneClick: 'none' }],
  ['one click', ['List-Id: <n>', https, post], { marked: true, oneClick: 'yes' }],
  ['one click, on no list', [https, post], { marked: false, oneClick: 'yes' }],
  ['a link without the post field', [https], { marked: false, oneClick: 'no-post' }],
  ['another value in the post field', [https, 'List-Unsubscribe-Post: yes'], { marked: false, oneClick: 'no-post' }],
  ['a mail address alone', ['List-Unsubscribe: <mailto:u@b.example>', post], { marked: false, oneClick: 'no-https' }],
  ['plain http', ['List-Unsubscribe: <http://b.example/u>', post], { marked: false, oneClick: 'no-https' }],
  ['the field twice', [https, https, post], { marked: false, oneClick: 'no-https' }],
])('%s', (_, fields, mark) => {
  expect(markOf(...fields)).toEqual(mark)
})
