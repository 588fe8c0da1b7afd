import type { Part } from './part.ts'

/**
 * `main.ts PART MESSAGES CONNECTIONS` is how the bench runs a part of the relay in a process of its own: one line of JSON on standard output.
 * Each process loads only what its part is made of.
 */
const parts: { readonly [name: string]: () => Promise<Part> } = {
  accept: async () => (await import('./accept.ts')).accept,
  decide: async () => (await import('./decide.ts')).decide,
  'decide-signed': async () => (await import('./decide.ts')).decideSigned,
  'decide-prefer': async () => (await import('./decide.ts')).decidePrefer,
  sign: async () => (await import('./sign.ts')).sign,
  deliver: async () => (await import('./deliver.ts')).deliver,
  ledger: async () => (await import('./ledger.ts')).ledger,
  authenticate: async () => (await import('./authenticate.ts')).authenticated,
  'authenticate-mailauth': async () => (await import('./authenticate-mailauth.ts')).authenticatedByMailauth,
}

process.once('SIGTERM', () => process.exit(1))
const [name = '', messages, connections] = process.argv.slice(2)
const load = parts[name]
if (load === undefined) throw new Error(`there is no part ${name}`)
const part = await load()
const result = await part({ messages: Number(messages), connections: Number(connections) })
process.stdout.write(`${JSON.stringify(result)}\n`)
