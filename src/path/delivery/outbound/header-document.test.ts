import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ruleOrder } from '../../decision/index.ts'
import { headerDocument } from './header-document.ts'
import { refusedRows, removedRows } from './header-table.ts'

const file = fileURLToPath(new URL('../../../../docs/headers.md', import.meta.url))

test('docs/headers.md is written from the table (UPDATE=1 writes it)', () => {
  if (process.env['UPDATE'] === '1') writeFileSync(file, headerDocument())
  expect(readFileSync(file, 'utf8')).toBe(headerDocument())
})

test('what is refused is refused by a rule that there is', () => {
  for (const { id } of refusedRows) expect(ruleOrder).toContain(id)
})

test('names are written as they are compared, with one star at most, and each row has its reason', () => {
  for (const { names, because } of removedRows) {
    expect(because).not.toBe('')
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]+(?:\*[a-z0-9-]*)?$/)
  }
})
