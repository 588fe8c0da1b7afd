import type { Chance } from './chance.ts'

/** Octets that end, begin or hide something in one format or another. */
const anywhere = [
  '\r',
  '\n',
  '\r\n',
  '\0',
  '.',
  '\r\n.\r\n',
  '\n.\n',
  '\r\n ',
  ' ',
  '\t',
  '"',
  '\\',
  '<',
  '>',
  '(',
  ')',
  '@',
  ',',
  ';',
  ':',
  '=',
  '[',
  ']',
  '-',
  '_',
  '=?utf-8?B?QA==?=',
  '\u00ff',
  '\u00c3\u00a9',
  '\u00e2\u0080\u00ae',
  '\u00ef\u00bb\u00bf',
  '\u00f0\u009f\u0098\u0080',
  '\u00ed\u00a0\u0080',
  '\u007f',
  '0',
  '65536',
  '99999999999999999999',
  '-1',
  'xn--',
]

/** One in so many inputs is made long, to see that time grows with it and not faster. */
const longOneIn = 400
/** The others mostly end at the first syntax fault; these mean something else, and reach what comes after the syntax. */
const gentleShare = 0.4

/** A well-formed input changed in a few places: by chance, by the words of its format, by repeating, moving and cutting parts. */
export function mutate(seeds: readonly string[], words: readonly string[], longest: number, chance: Chance): string {
  let text = chance.pick(seeds)
  if (chance.happens(gentleShare)) {
    for (let left = chance.pick([1, 1, 1, 2, 2, 3]); left > 0; left--) text = reworded(text, seeds, words, chance)
    return text.slice(0, longest)
  }
  const edits = 1 + chance.below(chance.happens(0.1) ? 24 : 5)
  for (let edit = 0; edit < edits; edit++) text = edited(text, seeds, words, chance)
  if (chance.below(longOneIn) === 0) text = prolonged(text, longest, chance)
  return text.slice(0, longest)
}

function edited(text: string, seeds: readonly string[], words: readonly string[], chance: Chance): string {
  const at = chance.below(text.length + 1)
  const end = Math.min(text.length, at + chance.below(chance.happens(0.1) ? 80 : 8))
  switch (chance.below(10)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(chance.below(256)) + text.slice(at)
    case 1:
      return text.slice(0, at) + String.fromCharCode(chance.below(256)) + text.slice(at + 1)
    case 2:
      return text.slice(0, at) + text.slice(end)
    case 3:
      return text.slice(0, end) + text.slice(at, end).repeat(1 + chance.below(3)) + text.slice(end)
    case 4:
    case 5:
      return text.slice(0, at) + chance.pick(anywhere) + text.slice(at)
    case 6:
      return words.length === 0 ? text : text.slice(0, at) + chance.pick(words) + text.slice(at)
    case 7:
      return words.length === 0 ? text : text.slice(0, at) + chance.pick(words) + text.slice(end)
    case 8:
      return text.slice(0, at) + partOf(chance.pick(seeds), chance) + text.slice(at)
    default:
      return text.slice(0, at) + flipped(text.slice(at, end), chance) + text.slice(end)
  }
}

/** One word becomes another: a number another number, and any word one of the format's or of a seed's. */
function reworded(text: string, seeds: readonly string[], words: readonly string[], chance: Chance): string {
  const [from, to] = wordAround(text, chance.below(text.length + 1))
  return text.slice(0, from) + otherWord(text.slice(from, to), seeds, words, chance) + text.slice(to)
}

/** The letters, digits and marks without blanks around a place. */
function wordAround(text: string, at: number): readonly [number, number] {
  let from = at
  let to = at
  while (from > 0 && inWord.test(text[from - 1] ?? '')) from--
  while (to < text.length && inWord.test(text[to] ?? '')) to++
  return [from, to]
}

const inWord = /[A-Za-z0-9._-]/
const breaksStructure = /[\s:,{}[\]&*!?#|"']/

function otherWord(word: string, seeds: readonly string[], words: readonly string[], chance: Chance): string {
  if (/^[0-9]+$/.test(word) && chance.happens(0.7))
    return String(chance.pick([0, 1, 7, 8, 20, 23, 24, 48, 255, 65_536]))
  const special = words.length > 0 && chance.happens(0.3) ? chance.pick(words) : ''
  if (special !== '' && !breaksStructure.test(special)) return special
  const seed = chance.pick(seeds)
  const [from, to] = wordAround(seed, chance.below(seed.length + 1))
  return seed.slice(from, to)
}

function partOf(seed: string, chance: Chance): string {
  const from = chance.below(seed.length + 1)
  return seed.slice(from, from + chance.below(60))
}

function flipped(text: string, chance: Chance): string {
  return Array.from(text, (octet) => String.fromCharCode((octet.charCodeAt(0) ^ (1 << chance.below(8))) & 0xff)).join(
    '',
  )
}

function prolonged(text: string, longest: number, chance: Chance): string {
  const at = chance.below(text.length + 1)
  const part = text.slice(at, at + 1 + chance.below(6)) || chance.pick(anywhere)
  return text.slice(0, at) + part.repeat(Math.ceil(longest / part.length)) + text.slice(at)
}
