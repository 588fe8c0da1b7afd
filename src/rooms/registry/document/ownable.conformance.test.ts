import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { parseDomain } from '../../../standards/names/domain.ts'
import { whyNotOwnable } from './ownable.ts'

/** The public suffix list's own tests: a name without a registrable domain in it is nobody's to claim. */

const given = process.env['ANECHOIC_VECTORS']
const vectors = resolve(given ?? '../shared/vectors')
const present = given !== undefined || existsSync(vectors)
if (!present) console.warn('no vectors: set ANECHOIC_VECTORS to run the tests of the public suffix list')

function rows(): readonly (readonly [string, string])[] {
  return readFileSync(join(vectors, 'dmarc-policy', 'psl-tests.txt'), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('//'))
    .map((line) => line.split(' ') as [string, string])
}

describe.runIf(present)('who can own a name', () => {
  const cases = present ? rows() : []

  it('are all there', () => {
    expect(cases.length).toBeGreaterThanOrEqual(70)
  })

  it.each(cases)('%s: %s', (name, registrable) => {
    const domain = parseDomain(name)
    const isOwnable = !isSyntaxFault(domain) && whyNotOwnable(domain) === null
    expect(isOwnable).toBe(registrable !== 'null')
  })
})
