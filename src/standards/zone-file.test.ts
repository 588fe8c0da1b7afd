import fc from 'fast-check'
import { expect, test } from 'vitest'
import { zoneLine } from './zone-file.ts'

test('a CNAME ends in the root', () => {
  expect(
    zoneLine({ name: 'a._domainkey.acme.example', type: 'CNAME', value: 'a.acme.example.dkim.relay.example' }),
  ).toBe('a._domainkey.acme.example. IN CNAME a.acme.example.dkim.relay.example.')
})

test('a short text is one string, a long one is split at 255 octets', () => {
  expect(zoneLine({ name: 'n', type: 'TXT', value: 'v=DKIM1; p=' })).toBe('n. IN TXT "v=DKIM1; p="')
  const line = zoneLine({ name: 'n', type: 'TXT', value: 'x'.repeat(300) })
  expect(line).toBe(`n. IN TXT ( "${'x'.repeat(255)}" "${'x'.repeat(45)}" )`)
})

test('what it writes reads back as the same octets, whatever they are', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
      const line = zoneLine({ name: 'n', type: 'TXT', value: text })
      const strings = [...line.matchAll(/"((?:\\\d{3}|\\.|[^"\\])*)"/g)].map(([, inner = '']) =>
        Buffer.concat(
          [...inner.matchAll(/\\(\d{3})|\\(.)|(.)/g)].map(([, code, escaped, plain]) =>
            code === undefined ? Buffer.from(escaped ?? plain ?? '') : Buffer.from([Number(code)]),
          ),
        ),
      )
      expect(strings.every((one) => one.length <= 255)).toBe(true)
      expect(Buffer.concat(strings)).toEqual(Buffer.from(text))
    }),
    { numRuns: 30 },
  )
})
