import { text } from 'node:stream/consumers'
import { generate } from './generate.ts'
import { serve } from './serve.ts'

/**
 * The signer process. `serve` answers signing requests on standard input until it closes; `generate` makes keys once. See launch.ts for
 * the powers it is started with.
 */
const mode = process.argv[2]

function leave(complaint: string | null): void {
  if (complaint !== null) process.stderr.write(`signer: ${complaint}\n`)
  process.exit(complaint === null ? 0 : 70)
}

if (mode === 'serve') {
  // A signal to the process group is for the relay: it drains and then closes the pipe.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  serve({ input: process.stdin, output: process.stdout, leave })
} else if (mode === 'generate') {
  try {
    process.stdout.write(`${JSON.stringify({ keys: await generate(await text(process.stdin)) })}\n`)
  } catch (error) {
    leave(error instanceof Error ? error.message : 'no key could be made')
  }
} else {
  leave('say serve or generate')
}
