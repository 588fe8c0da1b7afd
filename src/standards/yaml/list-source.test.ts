import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openListText } from './list-source.ts'
import { type YamlPath, YamlSource } from './source.ts'

const yaml = `# customers of the lab
customers:   # a list
  - id: acme
    name: "Acme, Corp"
    domains:
      - { name: acme.example, proof: asserted }
      - name: other.example
        words: |
          - not an item
          # not a comment
    grants:
      - { source: plant, domains: [acme.example],
          reason: over two lines }
# between two
  - { id: globex, domains: [] }
  - id: 'initech'
    name: Şirket
    text: "\\u00e7"
`
const json = `{
  "customers": [
    { "id": "acme", "domains": [{ "name": "a{]\\"}.example" }, 17], "grants": { "source": [true, null] } },
    "text", [1, 2],
    { "id": "globex" }
  ]
}`

const marks = [
  ...'- " \' { } [ ] , : # &a *a \\ | ... id 1 null'.split(' '),
  ...'$  $\n$\n  - $\n- $- $: $ #$&a $\t$\r$\n---\n$!x $id: $customers:\n$\u2028'.split('$'),
]

const paths: readonly YamlPath[] = [
  ['customers', 0, 'id'],
  ['customers', 0, 'domains', 1, 'name'],
  ['customers', 0, 'grants', 0, 'reason'],
  ['customers', 0, 'nothing'],
  ['customers', 1, 'domains'],
  ['customers', 1],
  ['customers', 2, 'name'],
  ['customers', 3, 'id'],
  ['customers', 9],
  ['customers'],
  [],
]

describe('a list read item by item', () => {
  test.each([
    ['YAML', yaml],
    ['JSON', json],
    ['JSON on one line', JSON.stringify(JSON.parse(json))],
  ])('says of %s what the whole document says, and at the same places', (_, text) => {
    const whole = new YamlSource(text)
    const list = openListText(text, 'customers')
    expect(whole.problems).toEqual([])
    expect(list.problems).toEqual([])
    expect(list.value).toEqual(whole.value)
    for (const path of paths) {
      expect(list.problem(path, 'm')).toEqual(whole.problem(path, 'm'))
      expect(list.keyProblem(path, 'id', 'm')).toEqual(whole.keyProblem(path, 'id', 'm'))
      expect(list.valueAt(path)).toEqual(whole.valueAt(path))
    }
  })

  test('reads anchors, other keys, documents and empty lists as any YAML', () => {
    for (const text of [
      'customers:\n  - &a { id: x }\n  - *a\n',
      'customers:\n  - id: x\nother: 1\n',
      '---\ncustomers:\n- id: x\n',
      'customers: []',
      '',
      '{customers: [{id: x}]}',
    ]) {
      expect(openListText(text, 'customers').value).toEqual(new YamlSource(text).value)
    }
  })

  test('tells of a key that stands twice, which a JSON reader would pass over', () => {
    for (const text of ['{"customers": [{"id": 1}, {"id": 2, "id": 3}]}', '{"customers": [], "customers": [1]}']) {
      const list = openListText(text, 'customers')
      expect(list.problems).toEqual(new YamlSource(text).problems)
      expect(list.problems).toHaveLength(1)
    }
  })

  test('a text of many megabytes is a list or JSON, and a fault in it is told with its place', () => {
    const item = '  - { id: x, name: some name of a customer }\n'
    const many = item.repeat(120_000)
    expect(openListText(`customers:\n${many}`, 'customers').problems).toEqual([])
    expect(openListText(`customers:\n${many}  - { id: [ }\n`, 'customers').problems[0]).toMatchObject({ line: 120_002 })
    expect(openListText(`other: 1\ncustomers:\n${many}`, 'customers')).toMatchObject({
      isReadable: false,
      problems: [{ line: 1, message: expect.stringContaining('plain list') as string }],
    })
    const broken = `{"customers": [\n${'{"id": "x", "name": "some name of a customer"},\n'.repeat(120_000)}`
    expect(openListText(broken, 'customers').problems[0]).toMatchObject({ line: 120_002, column: 1 })
  })

  test('depth is refused, not followed', () => {
    for (const text of [
      `{"customers": ${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
      `customers:\n  - ${'['.repeat(50_000)}\n`,
    ])
      expect(openListText(text, 'customers')).toMatchObject({ isReadable: false, problems: [expect.anything()] })
  })

  test('a damaged text is never read otherwise than as a whole', () => {
    const put = fc.constantFrom(...marks)
    const damaged = fc
      .tuple(fc.constantFrom(yaml, json), fc.nat(400), fc.nat(8), put, fc.nat(400), put)
      .map(([text, at, cut, first, other, second]) => {
        const once = text.slice(0, at) + first + text.slice(at + cut)
        const twice = once.slice(0, other) + second + once.slice(other)
        // YAML has no tabs and lone carriage returns between the tokens of JSON, and JSON has.
        return text === json ? twice.replaceAll(/[\t\r]/g, ' ') : twice
      })
    let good = 0
    fc.assert(
      fc.property(damaged, (text) => {
        const whole = new YamlSource(text)
        const list = openListText(text, 'customers')
        if (list.problems.length > 0) {
          // The full parser overlooks a quote that only an escaped one closes, where more lines follow.
          if (!text.includes('\\"')) expect(whole.problems).not.toEqual([])
          return
        }
        expect(whole.problems).toEqual([])
        good++
        expect(list.value).toEqual(whole.value)
        for (const path of paths) expect(list.problem(path, 'm')).toEqual(whole.problem(path, 'm'))
      }),
      { numRuns: 1500, seed: 1 },
    )
    expect(good).toBeGreaterThan(150)
  })
})
