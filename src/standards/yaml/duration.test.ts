import { expect, test } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { formatDuration, parseDuration } from './duration.ts'

test.each([
  ['100ms', 100],
  ['90s', 90_000],
  ['15m', 900_000],
  ['4h', 14_400_000],
  ['5d', 432_000_000],
])('%s is %i ms, and is written so again', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds)
  expect(formatDuration(milliseconds)).toBe(text)
})

test('what is no duration is told', () => {
  for (const text of ['', '5', '0s', '1.5h', '-1m', '5 m', '9999999999s'])
    expect(isSyntaxFault(parseDuration(text)), text).toBe(true)
  expect(formatDuration(0)).toBe('0ms')
})
