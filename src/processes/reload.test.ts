import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Config, isConfigProblems, loadConfig } from '../config/index.ts'
import { reloadOf } from './reload.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'anechoic-reload-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function configOf(text: string): Config {
  const file = join(directory, 'anechoic.yaml')
  writeFileSync(file, text)
  const config = loadConfig(file, {})
  if (isConfigProblems(config)) throw new Error(config.problems.join('\n'))
  return config
}

const before = 'hostname: relay.lab.example\nlisteners: [{ name: upstream, port: 2525 }]\n'

test.each([
  ['nothing', before],
  ['a limit', `${before}limits: { maxMessageBytes: 1000000 }\n`],
  [
    'how a listener speaks',
    before.replace('port: 2525', 'port: 2525, tls: { cert: ./a.pem, key: ./b.pem }, requireTls: true'),
  ],
])('%s changes under running sessions', (_what, text) => {
  expect(reloadOf(configOf(before), configOf(text))).toEqual({ kind: 'live' })
})

test.each([
  ['a port', before.replace('2525', '2526')],
  ['one more listener', before.replace('}]', '}, { name: other, port: 2526 }]')],
  ['a limit of the header section', `${before}limits: { maxHeaderBytes: 10000 }\n`],
  ['a route', `${before}delivery: { routes: [{ domain: "*", host: 127.0.0.1 }] }\n`],
  ['the policy file', `${before}policy: ./policy.yaml\n`],
])('%s takes new processes', (_what, text) => {
  expect(reloadOf(configOf(before), configOf(text))).toEqual({ kind: 'renew' })
})

test.each([
  ['dataDir', `${before}dataDir: ./other\n`],
  ['store.url', `${before}store: { url: "sqlite:./other.db" }\n`],
])('%s stays until a new start', (key, text) => {
  expect(reloadOf(configOf(before), configOf(text))).toMatchObject({
    kind: 'refused',
    because: expect.stringMatching(new RegExp(`^${key} can not change while running`)),
  })
})
