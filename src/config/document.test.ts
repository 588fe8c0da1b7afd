import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { configDocument } from './document.ts'

const page = new URL('../../docs/config.md', import.meta.url)

test('docs/config.md says what the schema says (UPDATE=1 rewrites it)', () => {
  if (process.env['UPDATE'] === '1') writeFileSync(page, configDocument())
  expect(readFileSync(page, 'utf8')).toBe(configDocument())
})

test('every key is explained, and every optional leaf shows its default or tells it in words', () => {
  const rows = configDocument()
    .split('\n')
    .filter((line) => line.startsWith('| `'))
  expect(rows.length).toBeGreaterThan(60)
  for (const row of rows) {
    const [, key, type, fallback, meaning] = row
      .replaceAll('\\|', '')
      .split('|')
      .map((cell) => cell.trim())
    expect(meaning, key).toMatch(/\.$/)
    if (type !== 'mapping') expect(`${fallback}${meaning}`, key).toMatch(/`|required|Default: /)
  }
})
