// npm run check: every check runs, also after one has failed, so that one run tells everything.
import { spawn } from 'node:child_process'

const checks: readonly (readonly [tool: string, ...args: string[]])[] = [
  ['oxfmt', '--check'],
  ['oxlint', '--type-aware'],
  ['tsc'],
  ['knip'],
]

const run = ([tool, ...args]: readonly [string, ...string[]]) =>
  new Promise<{ name: string; passed: boolean; output: string; seconds: number }>((resolve) => {
    const started = performance.now()
    // The boot has put our own tools first in PATH.
    const child = spawn(tool, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk: Buffer) => (output += chunk.toString())
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('error', (error) => collect(Buffer.from(`${error.message}\n`)))
    child.once('close', (code) =>
      resolve({ name: tool, passed: code === 0, output, seconds: (performance.now() - started) / 1000 }),
    )
  })

const results = await Promise.all(checks.map(run))
for (const { passed, output } of results) if (!passed) console.log(`${output.trim()}\n`)
for (const { name, passed, seconds } of results) {
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`)
}
process.exitCode = results.every((result) => result.passed) ? 0 : 1
