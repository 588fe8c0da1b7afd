import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDocument } from 'yaml'
import { readPlainYaml } from './plain.ts'

/** What the soups are made of: scalars of every kind, the marks of YAML, and blanks. */
const words = [
  ...'a id true null 17 0x1 1.5 x.example ::1 a#b ~ - << __proto__ "q" \'s\' " \' { } [ ] , : # &a *a !t | > \\ % @ . ... ş'.split(
    ' ',
  ),
  ...'--- $, $: $ #$? $- $\n$\n  $\n    $\n      $ $\u00a0$\t$\r'.split('$'),
]

/** What the full parser makes of a text; null where it finds anything wrong. */
function full(text: string): { readonly value: unknown } | null {
  const document = parseDocument(text, { prettyErrors: false })
  return document.errors.length + document.warnings.length > 0 ? null : { value: document.toJS() as unknown }
}

const record = `
# a list of records
  - id: acme            # the first
    name: Acme Corp, [Ltd]
    empty: {}
    none: [ ]
    count: 17
    on: true
    mail: 'a: b # c'
    address: 2001:db8::1
    when: 2026-11-01T00:00Z
    domains:
      - { name: acme.example, proof: asserted, signing: { algorithms: [rsa, "ed25519"] } }
      - plain.example
    grants:
    - source: plant
      words: it's #1
      limits: { messagesPerHour: 1000, text: "17" }
  - { id: globex, name: Şirket }
`

describe('reading plain YAML', () => {
  test('gives what the full parser gives', () => {
    expect(readPlainYaml(record)).not.toBeNull()
    expect(readPlainYaml(record)).toEqual(full(record))
  })

  test.each([
    ['an anchor', '- &a x'],
    ['an alias', '- *a'],
    ['a tag', '- !!str 1'],
    ['a block scalar', '- k: |\n    x'],
    ['a folded scalar', '- k: a\n    b'],
    ['a collection over two lines', '- [a,\n   b]'],
    ['an escape', '- "a\\tb"'],
    ['a doubled quote', "- 'it''s'"],
    ['a tab', '- a:\tb'],
    ['a carriage return', '- a\r\n- b'],
    ['no value', '- a:'],
    ['null', '- a: null'],
    ['a key with a meaning', '- true: 1'],
    ['a key twice', '- a: 1\n  a: 2'],
    ['a key twice in flow', '- { a: 1, a: 2 }'],
    ['a number that is not plain', '- a: 0x10\n- b: 1e3\n- c: 007\n- d: 1.50'],
    ['another writing of true', '- True'],
    ['a colon at the end', '- a: b:'],
    ['a key within a value', '- a: b: c'],
    ['a comma too many', '- [a, b,]'],
    ['a key without a value in flow', '- { a }'],
    ['an item that is too deep', '- a\n   - b'],
    ['a key that is too deep', '- a: 1\n   b: 2'],
    ['nothing at all', '# only this\n'],
    ['two documents', '- a\n---\n- b'],
    ['an indicator first', '- @a\n- `b'],
    ['a sequence in a sequence', '- - a'],
    ['something after a quoted scalar', '- "a" b'],
    ['a comment that touches', '- "a"#b'],
  ])('leaves %s to the full parser', (_, text) => {
    expect(readPlainYaml(text)).toBeNull()
  })

  test('is not led astray by depth', () => {
    expect(readPlainYaml(`- ${'['.repeat(100_000)}`)).toBeNull()
    const nested = Array.from({ length: 3000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n')
    expect(readPlainYaml(nested)).toBeNull()
  })

  test('never reads what the full parser refuses or reads otherwise', () => {
    const word = fc.constantFrom(...words)
    const soup = fc.array(word, { maxLength: 14 }).map((words) => `- ${words.join('')}`)
    const lines = fc
      .array(fc.tuple(fc.constantFrom('', '  ', '    ', '- ', '  - ', 'k: ', '  k: ', 'j:', '  j:', '#'), word), {
        maxLength: 8,
      })
      .map((all) => all.map(([before, after]) => before + after).join('\n'))
    const damaged = fc
      .tuple(fc.nat(record.length), fc.nat(6), word)
      .map(([at, cut, put]) => record.slice(0, at) + put + record.slice(at + cut))
    let read = 0
    fc.assert(
      fc.property(fc.oneof(soup, lines, damaged), (text) => {
        const plain = readPlainYaml(text)
        if (plain === null) return
        read++
        expect(full(text)).toEqual(plain)
      }),
      { numRuns: 6000, seed: 1 },
    )
    expect(read).toBeGreaterThan(500)
  })
})
