// npm test [-- FILTER... OPTION...]: all tests, or with --conformance the conformance tests.
import { parseCLI, startVitest } from 'vitest/node'
import { installPeers } from './test-setup.ts'

const args = process.argv.slice(2)
const conformance = args.includes('--conformance')
const { filter, options } = parseCLI(['vitest', 'run', ...args.filter((arg) => arg !== '--conformance')])

installPeers()
process.env['NODE_ENV'] = 'test'
const vitest = await startVitest(filter, { ...options, mode: conformance ? 'conformance' : 'test' })

const count = { passed: 0, failed: vitest.state.getUnhandledErrors().length, skipped: 0 }
for (const module of vitest.state.getTestModules()) {
  // A file that could not be loaded, or a hook that threw, fails without failing a test.
  count.failed += module.errors().length
  for (const suite of module.children.allSuites()) count.failed += suite.errors().length
  for (const test of module.children.allTests()) {
    const { state } = test.result()
    count[state === 'pending' ? 'failed' : state] += 1
  }
}

const skipped = count.skipped > 0 ? `, ${count.skipped} skipped` : ''
console.log(`${count.passed} passed, ${count.failed} failed${skipped}`)
// Leaves at once: a socket that a test forgot must not keep a finished run alive.
process.exit(count.failed > 0 || count.passed === 0 ? 1 : Number(process.exitCode ?? 0))
