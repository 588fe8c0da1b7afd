import { expect, test } from 'vitest'
import { waitAsked } from './reply-wait.ts'

test.each([
  ['451 4.7.1 Greylisting in action, please come back in 5 minutes', 300_000],
  ['450 4.2.0 Greylisted for 300 seconds, see http://grey.example/', 300_000],
  ['451 try again after 1 hour', 3_600_000],
  ['450 deferred for 60s', 60_000],
  ['450 4.2.0 Greylisted', null],
  ['421 too many messages in 10 days', null],
])('%s', (text, wanted) => {
  expect(waitAsked(text)).toBe(wanted)
})
