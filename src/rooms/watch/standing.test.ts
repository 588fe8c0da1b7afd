import { expect, test } from 'vitest'
import { StandingBook, type StandingRow } from './standing.ts'

const now = Date.UTC(2026, 10, 24)
const tenant = '3dd8961f-e488-4e60-8e11-a82d994e183d'
const row: StandingRow = {
  key: tenant,
  kind: 'suspended',
  reason: 'spoof burst',
  by: 'operator',
  since: now,
  until: null,
}

test('a source without rows is in good standing, and so is one that nothing proves', () => {
  const book = new StandingBook([row])
  expect(book.standingFor('acme/erp', now)).toEqual({ suspended: null, hold: null })
  expect(book.standingFor(null, now)).toEqual({ suspended: null, hold: null })
})

test('a suspension counts from its beginning to its end, without regard to case', () => {
  const book = new StandingBook([{ ...row, until: now + 1000 }])
  expect(book.standingFor(tenant, now - 1).suspended).toBeNull()
  expect(book.standingFor(tenant.toUpperCase(), now).suspended).toEqual({ reason: 'spoof burst' })
  expect(book.standingFor(tenant, now + 1000).suspended).toBeNull()
})

test('a hold and a suspension stand beside each other', () => {
  const book = new StandingBook([row, { ...row, kind: 'hold', reason: 'review' }])
  expect(book.standingFor(tenant, now)).toEqual({ suspended: { reason: 'spoof burst' }, hold: { reason: 'review' } })
})

test('a new version replaces all rows', () => {
  const book = new StandingBook([row])
  book.replace([])
  expect(book.standingFor(tenant, now).suspended).toBeNull()
})
