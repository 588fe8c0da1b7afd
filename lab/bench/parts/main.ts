import { accept } from './accept.ts'
import { decide } from './decide.ts'
import { deliver } from './deliver.ts'
import { ledger } from './ledger.ts'
import type { Part } from './part.ts'
import { sign } from './sign.ts'

/** `main.ts PART MESSAGES CONNECTIONS` is how the bench runs a part of the relay in a process of its own: one line of JSON on standard output. */
const parts: { readonly [name: string]: Part } = { accept, decide, sign, deliver, ledger }

const [name = '', messages, connections] = process.argv.slice(2)
const part = parts[name]
if (part === undefined) throw new Error(`there is no part ${name}`)
const result = await part({ messages: Number(messages), connections: Number(connections) })
process.stdout.write(`${JSON.stringify(result)}\n`)
