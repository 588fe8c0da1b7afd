import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { readYaml } from './issues.ts'
import { formatProblem } from './problem.ts'
import { YamlSource } from './source.ts'

const told = (text: string, schema: z.ZodType, environment: Record<string, string> | null = null) => {
  const read = readYaml(new YamlSource(text, environment), schema, {})
  return 'problems' in read ? read.problems.map((problem) => formatProblem('f', problem)) : []
}

const shape = z.strictObject({
  list: z.array(z.strictObject({ size: z.number() })).optional(),
  either: z.union([z.literal('none'), z.strictObject({ some: z.number() })]).optional(),
})

describe('places', () => {
  test('are those of the value, of the unknown key, or of what lacks the missing one', () => {
    expect(told('list:\n  - size: big\n  - { colour: 1, size: 2 }\n  - {}\n', shape)).toEqual([
      'f:2:11 list.0.size: must be a number',
      'f:3:7 list.1.colour: there is no such key',
      'f:4:5 list.2.size: is missing; it must be a number',
    ])
  })

  test('are found through aliases', () => {
    expect(told('list:\n  - &a { size: big }\n  - *a\n', shape)).toEqual([
      'f:2:16 list.0.size: must be a number',
      'f:2:16 list.1.size: must be a number',
    ])
  })

  test('are found in JSON', () => {
    expect(told('{"list":[{"size":"big"}]}', shape)).toEqual(['f:1:18 list.0.size: must be a number'])
  })

  test('in a union the branch that was meant explains itself', () => {
    expect(told('either: { some: text }', shape)).toEqual(['f:1:17 either.some: must be a number'])
  })
})

describe('hostile text', () => {
  test('aliases that multiply are refused, not expanded', () => {
    const lines = Array.from(
      { length: 30 },
      (_, at) => `a${at + 1}: &a${at + 1} [${Array(9).fill(`*a${at}`).join(', ')}]`,
    )
    const began = performance.now()
    expect(told(`a0: &a0 [x]\n${lines.join('\n')}\n`, z.looseObject({}))).toHaveLength(1)
    expect(performance.now() - began).toBeLessThan(5000)
  })

  test('keys that name the prototype are only unknown keys', () => {
    expect(told('__proto__: { list: 1 }\nconstructor: 2', shape)).toEqual([
      'f:1:1 __proto__: there is no such key',
      'f:2:1 constructor: there is no such key',
    ])
  })

  test('nothing but plain data comes out of tags', () => {
    expect(told('list: !!js/function "x"', shape).length).toBeGreaterThan(0)
  })

  test('variables are left alone where no environment is given', () => {
    expect(new YamlSource('a: "${HOME}"').value).toEqual({ a: '${HOME}' })
  })
})
