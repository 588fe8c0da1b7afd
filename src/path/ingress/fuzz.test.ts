import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { closeListeners, openListener } from './testing/listener.ts'
import { type Edit, mutate, sayAndLeave } from './testing/mutate.ts'

afterEach(closeListeners)

const seeds = [
  'EHLO a\r\nMAIL FROM:<a@b.example> SIZE=30\r\nRCPT TO:<c@d.example>\r\nDATA\r\n',
  'EHLO a\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example> NOTIFY=NEVER\r\nDATA\r\nA: b\r\n\r\n..x\r\n.\r\nQUIT\r\n',
  'HELO [192.0.2.1]\r\nMAIL FROM:<"a b"@c.example>\r\nRCPT TO:<postmaster>\r\nRSET\r\nNOOP\r\nVRFY x\r\nHELP\r\nQUIT\r\n',
  'EHLO a\r\nAUTH PLAIN\r\nAGEAYg==\r\nSTARTTLS\r\nBDAT 3 LAST\r\nabcQUIT\r\n',
]

const octets = fc.oneof(
  fc.constantFrom(
    '\r',
    '\n',
    '\r\n',
    '\u0000',
    '.',
    '\r\n.\r\n',
    '<',
    '>',
    '"',
    '\\',
    ' ',
    '@',
    ':',
    '\u00ff',
    'DATA\r\n',
  ),
  fc.string({ unit: 'binary-ascii', maxLength: 4 }),
  fc.constant('x'.repeat(600)),
)
const share = fc.double({ min: 0, max: 1, noNaN: true })
const edits: fc.Arbitrary<Edit[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('set' as const, 'insert' as const), at: share, octets }),
    fc.record({ kind: fc.constantFrom('delete' as const, 'repeat' as const), at: share, length: fc.nat(20) }),
  ),
  { maxLength: 6 },
)

test('whatever a client says, the session ends, nothing is thrown, and no message comes from nowhere', async () => {
  const scene = await openListener({ limits: { maxMessageBytes: 2000, maxRecipients: 3 } })
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...seeds),
      edits,
      fc.integer({ min: 1, max: 6 }),
      async (seed, changes, segments) => {
        expect(await sayAndLeave(scene, mutate(seed, changes), segments)).toBe(0)
      },
    ),
    { numRuns: 300 },
  )
  await expect.poll(() => scene.options.budget.connections.total).toBe(0)
  expect(scene.options.budget.bytes.used).toBe(0)
  expect(scene.log.filter((line) => line.startsWith('a conversation failed'))).toEqual([])
})
