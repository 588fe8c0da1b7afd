import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const world = mkdtempSync(join(tmpdir(), 'borders-'))
afterAll(() => rmSync(world, { recursive: true }))

/** Lints a tree of files under our own configuration, and gives the messages of our own rules by file. */
const lint = (files: Record<string, string>) => {
  rmSync(world, { recursive: true })
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(world, path)), { recursive: true })
    writeFileSync(join(world, path), text)
  }
  const config = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8'))
  config.jsPlugins = [join(root, 'scripts/lint/plugin.ts')]
  config.options = {}
  writeFileSync(join(world, '.oxlintrc.json'), JSON.stringify(config))
  const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
  const { stdout, stderr } = spawnSync(process.execPath, [oxlint, '--format=json'], { cwd: world, encoding: 'utf8' })
  expect(stderr).toBe('')
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string; message: string }[] }
  const ours = /^anechoic|no-restricted/
  return Object.fromEntries(
    Object.keys(files).map((path) => [
      path,
      diagnostics.filter(({ code, filename }) => filename === path && ours.test(code)).map(({ message }) => message),
    ]),
  )
}

test('the import table forbids what it does not allow', () => {
  const found = lint({
    'src/path/decision/value.ts': `import { x } from '../evidence/index.ts'\nx()\n`,
    'src/path/decision/type.ts': `import type { X } from '../evidence/index.ts'\nexport type Y = X\n`,
    'src/path/decision/inline.ts': `export type Y = import('../evidence/index.ts').X\n`,
    'src/path/decision/again.ts': `export { x } from '../evidence/index.ts'\n`,
    'src/path/decision/later.ts': `export const x = () => import('../evidence/index.ts')\n`,
    'src/path/decision/thread.ts': `export const x = new URL('../evidence/index.ts', import.meta.url)\n`,
    'src/path/decision/downstream.ts': `import type { X } from '../custody/index.ts'\nexport type Y = X\n`,
    'src/path/decision/own.ts': `import { x } from './value.ts'\nx()\n`,
    'src/path/evidence/platform.ts': `import { x } from '../../platform/dns.ts'\nx()\n`,
    'src/standards/up.ts': `import type { X } from '../platform/dns.ts'\nexport type Y = X\n`,
    'src/doors/api/face.ts': `import type { X } from '../../rooms/registry/index.ts'\nexport type Y = X\n`,
    'src/doors/api/inside.ts': `import type { X } from '../../rooms/registry/store.ts'\nexport type Y = X\n`,
    'src/rooms/watch/path.ts': `import type { X } from '../../path/decision/decision.ts'\nexport type Y = X\n`,
    'src/nowhere/a.ts': `import { x } from '../platform/dns.ts'\nx()\n`,
    'src/platform/lab.ts': `import { x } from '../../lab/world.ts'\nx()\n`,
    'src/platform/fake.ts': `import { x } from './dns.test.ts'\nx()\n`,
    'src/path/path.ts': `import { x } from '../rooms/ledger/index.ts'\nimport { y } from './evidence/any.ts'\nx(y)\n`,
    'src/main.ts': `import { x } from '../lab/world.ts'\nx()\n`,
    'lab/world.ts': `import { x } from '../src/rooms/registry/store.ts'\nx()\n`,
    'src/standards/a.test.ts': `import { x } from '../rooms/registry/store.ts'\nx()\n`,
  })

  expect(found).toEqual({
    'src/path/decision/value.ts': ['src/path/decision may not import values from src/path/evidence, only types'],
    'src/path/decision/type.ts': [],
    'src/path/decision/inline.ts': [],
    'src/path/decision/again.ts': ['src/path/decision may not import values from src/path/evidence, only types'],
    'src/path/decision/later.ts': ['src/path/decision may not import values from src/path/evidence, only types'],
    'src/path/decision/thread.ts': ['src/path/decision may not import values from src/path/evidence, only types'],
    'src/path/decision/downstream.ts': ['src/path/decision may not import from src/path/custody'],
    'src/path/decision/own.ts': [],
    'src/path/evidence/platform.ts': [],
    'src/standards/up.ts': ['src/standards may not import from src/platform'],
    'src/doors/api/face.ts': [],
    'src/doors/api/inside.ts': ['src/rooms/registry shows others its index.ts only'],
    'src/rooms/watch/path.ts': ['src/rooms/watch may not import from src/path/decision'],
    'src/nowhere/a.ts': ['src/nowhere/a.ts is in no folder of the import table (.oxlintrc.json)'],
    'src/platform/lab.ts': ['lab/world.ts is for tests, and the program must run without it'],
    'src/platform/fake.ts': ['src/platform/dns.test.ts is for tests, and the program must run without it'],
    'src/path/path.ts': [],
    'src/main.ts': ['lab/world.ts is for tests, and the program must run without it'],
    'lab/world.ts': [],
    'src/standards/a.test.ts': [],
  })
})

test('code that ships takes no package of development', () => {
  const found = lint({
    'src/standards/spf/index.ts': `import { spf } from 'mailauth/lib/spf/index.js'\nspf()\n`,
    'src/standards/names/domain.ts': `import { toASCII } from 'tr46'\ntoASCII('a')\n`,
    'src/standards/names/domain.test.ts': `import fc from 'fast-check'\nfc.string()\n`,
    'src/doors/cli/index.ts': `import { Command } from '@commander-js/extra-typings'\nnew Command()\n`,
  })

  expect(found).toEqual({
    'src/standards/spf/index.ts': ['mailauth is not in the dependencies of package.json'],
    'src/standards/names/domain.ts': [],
    'src/standards/names/domain.test.ts': [],
    'src/doors/cli/index.ts': [],
  })
})

test('standards and decisions know neither the time nor the machine', () => {
  const found = lint({
    'src/path/decision/now.ts': `export const a = [Date.now(), new Date(), Math.random(), performance.now()]\n`,
    'src/path/decision/then.ts': `export const a = (at: number) => new Date(at).toISOString()\n`,
    'src/standards/file.ts': `import { readFileSync } from 'node:fs'\nreadFileSync('a')\n`,
    'src/platform/clock.ts': `export const now = () => Date.now()\n`,
  })

  expect(found['src/path/decision/now.ts']).toEqual(
    expect.arrayContaining(['the time is an argument here', 'chance is an argument here']),
  )
  expect(found['src/path/decision/then.ts']).toEqual([])
  expect(found['src/standards/file.ts']).toHaveLength(1)
  expect(found['src/platform/clock.ts']).toEqual([])
})
