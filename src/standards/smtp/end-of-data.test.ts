import { expect, test } from 'vitest'
import { EndOfDataSearch } from './end-of-data.ts'

test('CRLF.CRLF is found however it is cut, and nothing else is', () => {
  const wire = 'x\n.\r\ny\r\n.\rz\r\n..\r\n\r\r\n.\r\nQUIT'
  const end = wire.indexOf('QUIT')
  for (let first = 0; first <= wire.length; first++) {
    for (let second = first; second <= wire.length; second++) {
      const search = new EndOfDataSearch()
      let found = -1
      let from = 0
      for (const cut of [first, second, wire.length]) {
        const at = search.find(Buffer.from(wire.slice(from, cut)), 0)
        if (at !== -1) {
          found = from + at
          break
        }
        from = cut
      }
      expect(found).toBe(end)
    }
  }
})
