import fc from 'fast-check'
import { expect, test } from 'vitest'
import { classOfReply } from './reply-class.ts'

test.each([
  [450, '4.2.0', 'Recipient address rejected: Greylisted, see http://postgrey.example/help', 'greylist'],
  [451, null, '451 Greylisting in action, please come back in 5 minutes', 'greylist'],
  [421, '4.7.28', 'Our system has detected an unusual rate of unsolicited mail', 'rate'],
  [421, '4.7.0', '[TSS04] Messages from 192.0.2.1 temporarily deferred due to user complaints', 'reputation'],
  [452, '4.5.3', 'Too many recipients', 'rate'],
  [550, '5.7.1', 'Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org', 'reputation'],
  [550, '5.7.1', 'Message rejected due to our policy', 'policy'],
  [550, '5.7.1', 'Our system has detected that this message is likely unsolicited mail', 'content'],
  [550, '5.7.515', 'Access denied, sending domain does not meet the required authentication level', 'auth'],
  [554, '5.7.1', '<bob@far.example>: Relay access denied', 'policy'],
  [556, '5.1.10', 'Recipient address has null MX', 'domain'],
  [552, null, 'nothing that helps', 'full'],
  [501, null, 'what', 'protocol'],
  [550, null, 'no', 'unclear'],
  [550, '5.7.99', 'no', 'policy'],
  [421, '4.4.2', 'idle', 'network'],
] as const)('%i %s %s is about %s', (code, enhanced, text, wanted) => {
  expect(classOfReply({ code, enhanced, text })).toBe(wanted)
})

test('a status that is none does not matter', () => {
  expect(classOfReply({ code: 550, enhanced: '5.1', text: 'user unknown' })).toBe('recipient')
  expect(classOfReply({ code: null, enhanced: 'constructor.1', text: '' })).toBe('unclear')
})

test('any words are sorted', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 3000 }), (text) => {
      expect(classOfReply({ code: 550, enhanced: '5.0.0', text })).toBeTypeOf('string')
    }),
  )
})
