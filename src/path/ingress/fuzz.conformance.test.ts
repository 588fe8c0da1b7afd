import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { Secret } from '../../standards/secret.ts'
import { parsePlainResponse } from '../../standards/smtp/auth-plain.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { closeListeners, openListener } from './testing/listener.ts'
import { mutate, sayAndLeave } from './testing/mutate.ts'

/** Inputs that another server's fuzzer found worth keeping. */

const given = process.env['ANECHOIC_VECTORS']
const folder = resolve(given ?? '../shared/vectors', 'smtp/fuzz-seeds')
const present = given !== undefined || existsSync(folder)
if (!present) console.warn('no vectors: set ANECHOIC_VECTORS to replay fuzzing seeds')

/** The strings of a Go fuzzing corpus file, as octets. */
function seedsOf(kind: string): string[] {
  if (!present) return []
  return readdirSync(join(folder, kind)).flatMap((name) => {
    const text = readFileSync(join(folder, kind, name), 'latin1')
    return [...text.matchAll(/^(?:string|\[\]byte)\("(.*)"\)$/gm)].map(([, quoted = '']) =>
      quoted.replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_, hex: string | undefined, plain: string | undefined) =>
        hex === undefined
          ? ({ n: '\n', r: '\r', t: '\t' }[plain ?? ''] ?? plain ?? '')
          : String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    )
  })
}

afterEach(closeListeners)

test.skipIf(!present)('sessions: as found, with CRLF, and mutated', async () => {
  const scene = await openListener()
  const found = seedsOf('smtp-connection')
  expect(found.length).toBeGreaterThan(3)
  const seeds = [...found, ...found.map((seed) => seed.replaceAll('\n', '\r\n'))]
  for (const seed of seeds) {
    for (const segments of [1, 3, seed.length]) expect(await sayAndLeave(scene, seed, segments)).toBe(0)
  }
  const edit = fc.record({
    kind: fc.constantFrom('set' as const, 'insert' as const),
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    octets: fc.string({ unit: 'binary-ascii', maxLength: 3 }),
  })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...seeds), fc.array(edit, { maxLength: 5 }), async (seed, edits) => {
      expect(await sayAndLeave(scene, mutate(seed, edits), 2)).toBe(0)
    }),
    { numRuns: 200, seed: 20_261_124 },
  )
  await expect.poll(() => scene.options.budget.connections.total).toBe(0)
  expect(scene.log.filter((line) => line.startsWith('a conversation failed'))).toEqual([])
})

test.skipIf(!present)('AUTH PLAIN responses are read or are faults', () => {
  const seeds = seedsOf('auth-plain-response')
  expect(seeds.length).toBeGreaterThan(3)
  const outcomes = seeds.map((seed) => isSyntaxFault(parsePlainResponse(new Secret(seed))))
  expect(outcomes).toContain(true)
  expect(outcomes).toContain(false)
})
