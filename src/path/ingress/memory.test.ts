import { afterEach, expect, test } from 'vitest'
import { closeListeners, openListener } from './testing/listener.ts'

afterEach(closeListeners)

const megabyte = 1_000_000

async function send(
  connect: Awaited<ReturnType<typeof openListener>>['connect'],
  line: string,
  octets: number,
): Promise<string> {
  const client = await connect()
  await client.sayAll('EHLO a', 'MAIL FROM:<>', 'RCPT TO:<b@c.example>', 'DATA')
  client.raw('Subject: large\r\n\r\n')
  const block = Buffer.from(line.repeat(Math.ceil(65_536 / line.length)))
  for (let sent = 0; sent < octets; sent += block.length) {
    if (!client.socket.write(block)) {
      await new Promise<void>((resolve) => {
        client.socket.once('drain', resolve)
      })
    }
  }
  client.raw('.\r\n')
  return await client.code()
}

/** Octets of heap and of Buffers. */
function memory(): number {
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

test.each([
  ['plain lines', `${'x'.repeat(76)}\r\n`],
  ['a dot before every line', '..\r\n'],
])('a message of 50 MB in %s is held in little more than itself', async (_, line) => {
  const { connect, gate } = await openListener({ limits: { maxMessageBytes: 60 * megabyte } })
  const before = memory()
  let peak = 0
  const timer = setInterval(() => {
    peak = Math.max(peak, memory())
  }, 5)
  expect(await send(connect, line, 50 * megabyte)).toBe('250 2.0.0')
  clearInterval(timer)
  const message = gate.accepted[0]?.message
  const held = message?.body.reduce((sum, piece) => sum + piece.length, 0) ?? 0
  const under = [...new Set(message?.body.map((piece) => piece.buffer))].reduce(
    (sum, { byteLength }) => sum + byteLength,
    0,
  )
  expect(held).toBeGreaterThan(37 * megabyte)
  expect(under).toBeLessThan(2 * held)
  expect(peak - before).toBeLessThan(3 * 50 * megabyte)
})
