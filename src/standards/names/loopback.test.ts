import { expect, test } from 'vitest'
import { isLoopback } from './loopback.ts'

test.each(['localhost', '::1', '127.0.0.1', '127.8.9.10'])('%s is this machine', (host) => {
  expect(isLoopback(host)).toBe(true)
})

test.each(['127.0.0.1.example', '127.example', '10.0.0.1', '::2', 'localhost.example', '', '0.0.0.0'])(
  '%j is not',
  (host) => {
    expect(isLoopback(host)).toBe(false)
  },
)
