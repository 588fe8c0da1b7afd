import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { misses } from './testing/misses.ts'

const document = readFileSync(new URL('../../../../docs/conformance.md', import.meta.url), 'utf8')

test('docs/conformance.md tells each miss by name with its reason, and no other', () => {
  const listed = Object.entries(misses).flatMap(([suite, cases]) =>
    Object.entries(cases).map(([name, reason]) => ({ suite, line: `- \`${name}\`: ${reason}.` })),
  )
  for (const { suite, line } of listed) {
    const [, section = ''] = document.split(`Misses of \`${suite}\``)
    expect(section.split('\n## ')[0]).toContain(line)
  }
  const [, ours = ''] = document.split('\n## SPF\n')
  expect(ours.match(/^- `[a-z]+: .*`: .*$/gm)).toHaveLength(listed.length)
})
