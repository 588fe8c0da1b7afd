import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { formatCsvRow, readCsv, unguarded } from './csv.ts'

test('what is written reads back, and no cell begins a formula', () => {
  const cell = fc.oneof(fc.string(), fc.stringMatching(/^[=+\-@'"\t, \r\na]{0,6}$/))
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 }), (rows) => {
      const text = rows.map(formatCsvRow).join('')
      const read = readCsv(text)
      if (isSyntaxFault(read)) throw new Error(read.reason)
      expect(read.map((row) => row.cells.map(unguarded))).toEqual(rows)
      for (const row of read) for (const one of row.cells) expect(one).not.toMatch(/^[=+\-@\t\r]/)
    }),
    { numRuns: 300 },
  )
})

test('tells where a record begins, and leaves out a byte order mark and empty lines', () => {
  expect(readCsv('\ufeffa,b\r\n\r\n"x\r\ny",2\nlast , 3 ')).toEqual([
    { line: 1, cells: ['a', 'b'] },
    { line: 3, cells: ['x\r\ny', '2'] },
    { line: 5, cells: ['last', '3'] },
  ])
})

test('a quote that does not end, or is followed by something, is told with its line', () => {
  expect(readCsv('a\n"b')).toMatchObject({ reason: 'line 2: a quoted cell does not end' })
  expect(readCsv('a\n"b"c,d\n')).toMatchObject({ reason: 'line 2: something stands behind a quoted cell' })
  expect(readCsv(`a\n${','.repeat(80)}`)).toMatchObject({ reason: 'line 2: more than 64 cells' })
})

test('takes no more than linear time for hostile text', () => {
  const started = performance.now()
  readCsv('"'.repeat(400_000))
  readCsv(','.repeat(60) + '\n'.repeat(400_000))
  expect(performance.now() - started).toBeLessThan(3000)
})
