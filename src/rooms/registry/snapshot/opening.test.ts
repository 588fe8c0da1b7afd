import { expect, test } from 'vitest'
import { Opening } from './opening.ts'

test('what is asked for again stays open, and never more than two generations are', () => {
  const read: string[] = []
  const opening = new Opening<string, { readonly text: string }>(2)
  const open = (text: string) =>
    opening.open(text, () => {
      read.push(text)
      return { text }
    })
  const first = open('a')
  for (const text of 'bacab') expect(open(text).text).toBe(text)
  expect(open('a')).toBe(first)
  expect(read.join('')).toBe('abc')

  for (const text of 'defg') open(text)
  expect(open('a')).not.toBe(first)
})
