import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { TestClient } from './testing/client.ts'
import { closeListeners, openListener } from './testing/listener.ts'

/** Dialogues that another server's tests hold, against ingress with a gate that takes everything. */

const given = process.env['ANECHOIC_VECTORS']
const file = resolve(given ?? '../shared/vectors', 'smtp/dialogues.json')
const present = given !== undefined || existsSync(file)
if (!present) console.warn('no vectors: set ANECHOIC_VECTORS to hold the dialogues')

type Step = { readonly expect: string } | { readonly send: string } | { readonly send_raw: string }
type Dialogue = { readonly id: string; readonly steps: readonly Step[] }

const dialogues: readonly Dialogue[] = present
  ? (JSON.parse(readFileSync(file, 'utf8')) as { readonly dialogues: readonly Dialogue[] }).dialogues
  : []

const escapes: { readonly [escape: string]: string } = { '\\n': '\n', '\\r': '\r', '\\t': '\t', '\\\\': '\\' }

function unescape(text: string): string {
  return text.replace(/\\[nrt\\]/g, (escape) => escapes[escape] ?? escape)
}

afterEach(closeListeners)

describe.skipIf(!present)('dialogues', () => {
  test.each(dialogues)('$id', async ({ id, steps }) => {
    const { listener, gate } = await openListener()
    const client = await TestClient.connect(listener.port)
    let expected = 0
    for (const step of steps) {
      if ('send' in step) client.raw(`${step.send}\r\n`)
      else if ('send_raw' in step) client.raw(unescape(step.send_raw))
      else {
        expect(await client.code()).toMatch(new RegExp(`^${step.expect}`))
        expected++
      }
    }
    client.destroy()
    expect(expected).toBeGreaterThan(0)
    if (id === 'dot-stuffing') {
      expect(gate.texts).toEqual([
        'From: M <somewhere@horns.example>\r\nSubject: x\r\n\r\none\r\n\r\n.x\r\n\r\n.\r\n\r\ntwo\r\n\r\n',
      ])
    } else {
      expect(gate.accepted).toEqual([])
    }
  })
})
