import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Line, readLines } from './lines.ts'

async function lines(chunks: readonly string[], maxOctets = 1000): Promise<readonly Line[]> {
  async function* input() {
    for (const chunk of chunks) yield await Promise.resolve(Buffer.from(chunk))
  }
  const read: Line[] = []
  for await (const line of readLines(input(), maxOctets)) read.push(line)
  return read
}

describe('the lines of a stream', () => {
  it('are the same wherever it is cut, the last one with or without its end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom('a', 'bc', '\n', '\r\n', ' '), { maxLength: 30 }), async (pieces) => {
        const whole = pieces.join('')
        const expected = whole.split('\n').filter((line) => line.trim() !== '')
        expect((await lines(pieces)).map(({ text }) => text)).toEqual(expected)
      }),
    )
  })

  it('are passed over when they are too long, and the next one is read', async () => {
    const read = await lines(['x'.repeat(600), 'x'.repeat(600), '\nnext\n'])
    expect(read.map(({ isTooLong }) => isTooLong)).toEqual([true, false])
    expect(read[1]?.text).toBe('next')
  })

  it('are read no further than they are taken', async () => {
    let given = 0
    async function* input() {
      for (;;) yield await Promise.resolve(Buffer.from(`line ${given++}\n`))
    }
    for await (const line of readLines(input(), 100)) {
      expect(line.text).toBe('line 0')
      break
    }
    expect(given).toBe(1)
  })
})
