import { describe, expect, test } from 'vitest'
import { deepestNesting, tooDeepAt } from './nesting.ts'
import { YamlSource } from './source.ts'

describe('nesting', () => {
  test.each(['{, ', '{', '[', '- ', '? ', '{? ', '? [', '"x": [', 'a: &b {'])(
    '%j again and again is one problem, and takes no time',
    (part) => {
      const began = performance.now()
      const source = new YamlSource(
        `first: line\nsecond: ${part.repeat(2000)}`.replace('second: - ', '- - ').replace('second: ? ', '? ? '),
      )
      expect(source.isReadable).toBe(false)
      expect(source.problems).toEqual([
        {
          line: 2,
          column: expect.any(Number) as number,
          path: '',
          message: `is nested deeper than ${deepestNesting} levels`,
        },
      ])
      expect(performance.now() - began).toBeLessThan(2000)
    },
  )

  test('as deep as that is read', () => {
    const text = `${'['.repeat(deepestNesting)}${']'.repeat(deepestNesting)}`
    expect(tooDeepAt(text)).toBeNull()
    expect(new YamlSource(text).problems).toEqual([])
    expect(tooDeepAt(`[${text}]`)).toEqual({ line: 1, column: deepestNesting + 1 })
  })

  test('what is closed again is not counted', () => {
    expect(tooDeepAt('- { a: [1], b: {} }\n'.repeat(1000))).toBeNull()
    expect(tooDeepAt(']'.repeat(100) + '['.repeat(deepestNesting))).toBeNull()
  })
})
