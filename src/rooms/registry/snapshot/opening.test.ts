import { expect, test } from 'vitest'
import { Opening } from './opening.ts'

test('what is asked for again stays open, and never more than two generations are', () => {
  const opened: string[] = []
  const opening = new Opening((text) => {
    opened.push(text)
    return { text }
  }, 2)
  const first = opening.open('a')
  expect(first).toEqual({ text: 'a' })
  for (const text of 'bacab') expect(opening.open(text).text).toBe(text)
  expect(opening.open('a')).toBe(first)
  expect(opened.join('')).toBe('abc')

  for (const text of 'defg') opening.open(text)
  expect(opening.open('a')).not.toBe(first)
})
