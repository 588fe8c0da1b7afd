import { createHash } from 'node:crypto'

const longestSource = 24

/**
 * The selector of a key: `a1-<source>-<r|e><place>`, at most 40 characters and one DNS label. It belongs to (domain, source,
 * algorithm) and says so to whoever publishes it. A long source id is cut, and four octets of its hash keep it apart from another that
 * begins alike.
 */
export function selectorFor(source: string, algorithm: 'rsa-sha256' | 'ed25519-sha256', place: number): string {
  const letter = algorithm === 'rsa-sha256' ? 'r' : 'e'
  return `a1-${shortened(source)}-${letter}${place}`
}

/** The first selector that is free; places are counted from 1. */
export function freeSelector(
  source: string,
  algorithm: 'rsa-sha256' | 'ed25519-sha256',
  isFree: (selector: string) => boolean,
): string {
  for (let place = 1; ; place++) {
    const selector = selectorFor(source, algorithm, place)
    if (isFree(selector)) return selector
  }
}

/** The two names between which rotation goes as long as nothing is revoked: whoever publishes both for good need not be asked again. */
export function selectorsInTurn(source: string, algorithm: 'rsa-sha256' | 'ed25519-sha256'): readonly [string, string] {
  return [selectorFor(source, algorithm, 1), selectorFor(source, algorithm, 2)]
}

function shortened(source: string): string {
  if (source.length <= longestSource) return source
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 8)
  return `${source.slice(0, longestSource - 9)}-${hash}`
}
