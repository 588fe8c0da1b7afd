import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { TestClient } from './testing/client.ts'
import { closeListeners, openListener } from './testing/listener.ts'

/** The end-of-data confusions of SEC Consult and their relatives: as many messages out as in, however the octets arrive. */

const given = process.env['ANECHOIC_VECTORS']
const file = resolve(given ?? '../shared/vectors', 'smtp/smuggling.json')
const present = given !== undefined || existsSync(file)
if (!present) console.warn('no vectors: set ANECHOIC_VECTORS to try the smuggling sequences')

type Vectors = {
  readonly template: readonly string[]
  readonly sequences: readonly { readonly id: string; readonly hex: string }[]
}

const vectors: Vectors = present ? (JSON.parse(readFileSync(file, 'utf8')) as Vectors) : { template: [], sequences: [] }

afterEach(closeListeners)

/** The template as octets, in two parts: up to the first DATA, and what follows it with the sequence in place. */
function octetsOf(hex: string): { commands: readonly string[]; data: string; sequenceAt: number } {
  const lines = vectors.template.map((line) =>
    line.replace(/^<headers of message (\d)>$/, 'Subject: $1\r\nFrom: a@a.example'),
  )
  const dataAt = lines.indexOf('DATA')
  const sequence = lines.indexOf('{SEQUENCE}')
  const before = lines.slice(dataAt + 1, sequence).join('\r\n')
  const after = lines.slice(sequence + 1).join('\r\n')
  const data = `${before}${Buffer.from(hex, 'hex').toString('latin1')}${after}\r\n`
  return { commands: lines.slice(0, dataAt + 1), data, sequenceAt: before.length }
}

describe.skipIf(!present).each(vectors.sequences)('$id', ({ hex }) => {
  const { commands, data, sequenceAt } = octetsOf(hex)

  async function expectNothingSmuggled(write: (client: TestClient) => void | Promise<void>): Promise<void> {
    const { connect, gate } = await openListener()
    const client = await connect()
    expect((await client.sayAll(...commands)).at(-1)).toBe('354')
    await write(client)
    expect(await client.code()).toBe('554 5.6.0')
    await client.closed()
    expect(client.pending).toEqual([])
    expect(gate.accepted).toEqual([])
    expect(gate.mails.length).toBe(1)
    expect(gate.faults).toEqual([{ kind: 'line-endings', where: 'data' }])
  }

  test('in one write', () => expectNothingSmuggled((client) => client.raw(data)))

  test('octet by octet', () => expectNothingSmuggled((client) => client.drip(data)))

  test('split inside the sequence', async () => {
    for (let cut = sequenceAt; cut <= sequenceAt + hex.length / 2; cut++) {
      await expectNothingSmuggled(async (client) => {
        client.raw(data.slice(0, cut))
        await new Promise((done) => {
          setTimeout(done, 5)
        })
        client.raw(data.slice(cut))
      })
    }
  })
})
