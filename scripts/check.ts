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
for (const { name, passed, output, seconds } of results) {
  if (!passed) process.stdout.write(`\n${output.trim()}\n`)
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds.toFixed(1)} s)`)
}
process.exitCode = results.every((result) => result.passed) ? 0 : 1
