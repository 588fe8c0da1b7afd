import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pack } from './pack.ts'
import { PackedMap } from './packed-map.ts'

const read = (text: string) => ({ text })

const key = fc.oneof(fc.string({ maxLength: 3 }), fc.string({ unit: 'grapheme', maxLength: 4 }))
const edits = fc.array(fc.tuple(key, fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined })), { maxLength: 60 })

test('is a Map that does not change, for random edits of a random pack', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.string())), edits, edits, (packed, first, second) => {
      const model = new Map(packed)
      const step = (changes: typeof first) => {
        for (const [name, text] of changes) {
          if (text === undefined) model.delete(name)
          else model.set(name, text)
        }
        return new Map(model)
      }
      const models = [new Map(model), step(first), step(second)]
      const filled = PackedMap.of(read, Pack.of(packed))
      const one = filled.with(first)
      for (const [at, map] of [filled, one, one.with(second)].entries()) {
        expect(new Map(map.texts())).toEqual(models[at])
        expect(new Set(map.keys())).toEqual(new Set(models[at]?.keys()))
        expect(map.size).toBe(models[at]?.size)
        for (const [name] of [...packed, ...first, ...second]) {
          expect(map.get(name)?.text).toBe(models[at]?.get(name))
          expect(map.has(name)).toBe(models[at]?.has(name))
        }
      }
    }),
  )
})

test('packs anew when much has changed, and says the same before and after', () => {
  let map = PackedMap.of(read)
  const model = new Map<string, string>()
  for (let at = 0; at < 5_000; at++) {
    const [name, text] = [`k${at % 3_000}`, `text ${at}`]
    map = map.with([[name, text]])
    model.set(name, text)
    if (at % 7 === 0) {
      map = map.with([[`k${at % 11}`, undefined]])
      model.delete(`k${at % 11}`)
    }
  }
  expect(new Map(map.texts())).toEqual(model)
  expect(map.size).toBe(model.size)
})

test('holds a text of megabytes and the entries behind it', () => {
  const long = 'ş'.repeat(3_000_000)
  const map = PackedMap.of(
    read,
    Pack.of([
      ['before', 'a'],
      ['long', long],
      ['after', 'b'],
    ]),
  )
  expect([map.get('before')?.text, map.get('long')?.text === long, map.get('after')?.text]).toEqual(['a', true, 'b'])
  expect(map.get('none')).toBeUndefined()
})
