import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pieces } from './pieces.ts'

function memoryUnder(pieces: readonly Buffer[]): number {
  let octets = 0
  for (const memory of new Set(pieces.map((piece) => piece.buffer))) octets += memory.byteLength
  return octets
}

test('what is taken is what was appended, in order', () => {
  const chunk = fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 10_000, max: 70_000 }))
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 20 }), (sizes) => {
      const pieces = new Pieces()
      const appended = sizes.map((size, index) => Buffer.alloc(size, index))
      for (const one of appended) pieces.append(one)
      expect(Buffer.concat(pieces.take()).equals(Buffer.concat(appended))).toBe(true)
      expect(pieces.take()).toEqual([])
    }),
    { numRuns: 50 },
  )
})

test('a single piece and large pieces are not copied', () => {
  const pieces = new Pieces()
  const small = Buffer.from(new ArrayBuffer(100))
  pieces.append(small)
  expect(pieces.take()[0]).toBe(small)
  const large = Buffer.from(new ArrayBuffer(65_536))
  pieces.append(large)
  expect(pieces.take()[0]).toBe(large)
})

test('a message that trickles in octet by octet costs about its size', () => {
  const pieces = new Pieces()
  for (let count = 0; count < 200_000; count++) pieces.append(Buffer.from([count & 0xff]))
  const taken = pieces.take()
  expect(taken.length).toBeLessThan(10)
  expect(memoryUnder(taken)).toBeLessThan(2 * 200_000)
})

test('a few octets of a large chunk do not keep the chunk alive', () => {
  const pieces = new Pieces()
  pieces.append(Buffer.alloc(65_536).subarray(100, 200))
  expect(memoryUnder(pieces.take())).toBeLessThan(9_000)
})
