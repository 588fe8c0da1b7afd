import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ruleOrder, rules } from './rules.ts'
import { rulesDocument } from './rules-document.ts'

const file = fileURLToPath(new URL('../../../docs/rules.md', import.meta.url))

test('docs/rules.md is written from the table (UPDATE=1 writes it)', () => {
  if (process.env['UPDATE'] === '1') writeFileSync(file, rulesDocument())
  expect(readFileSync(file, 'utf8')).toBe(rulesDocument())
})

test('codes and enhanced codes agree, and every word is fit for the wire', () => {
  for (const rule of ruleOrder) {
    const { code, enhanced, wire } = rules[rule]
    expect(enhanced[0]).toBe(String(code)[0])
    for (const about of [null, 'acme.example']) {
      expect(wire(about)).toMatch(/^[ -~]{8,200}$/)
      expect(wire(about)).not.toMatch(/[[\]()]/)
    }
  }
})

test('the paragraphs are for people: whole sentences that end', () => {
  for (const rule of ruleOrder) {
    const { title, happened, remedy } = rules[rule]
    expect(title).toMatch(/^[A-Z].*[^.]$/)
    expect(happened).toMatch(/^[A-Z].*\.$/)
    expect(remedy).toMatch(/^[A-Z].*\.$/)
  }
})
