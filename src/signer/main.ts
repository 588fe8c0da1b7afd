import { text } from 'node:stream/consumers'
import { generate } from './generate.ts'
import { takeForeign } from './import.ts'
import { rewrap } from './rewrap.ts'
import { serve } from './serve.ts'

/**
 * The signer process. `serve` answers signing requests on standard input until it closes. The other modes do one thing and end: `generate`
 * makes keys, `import` takes some that were made elsewhere, `rewrap` wraps keys under another wrapping key. See launch.ts for the powers it
 * is started with.
 */
const mode = process.argv[2]

const once: { readonly [mode: string]: (request: string) => object | Promise<object> } = {
  generate: async (request) => ({ keys: await generate(request) }),
  import: (request) => ({ keys: takeForeign(request) }),
  rewrap: (request) => ({ keys: rewrap(request) }),
}

function leave(complaint: string | null): void {
  if (complaint !== null) process.stderr.write(`signer: ${complaint}\n`)
  process.exit(complaint === null ? 0 : 70)
}

if (mode === 'serve') {
  // A signal to the process group is for the relay: it drains and then closes the pipe.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  serve({ input: process.stdin, output: process.stdout, leave })
} else {
  const act = once[mode ?? '']
  if (act === undefined) leave('say serve, generate, import or rewrap')
  try {
    process.stdout.write(`${JSON.stringify(await act?.(await text(process.stdin)))}\n`)
  } catch (error) {
    leave(error instanceof Error ? error.message : 'it could not be done')
  }
}
