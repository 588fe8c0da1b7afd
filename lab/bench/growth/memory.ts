import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { PartFigures } from './figures.ts'
import { forgetPeak, relayOf, residentOf } from './grown-product.ts'
import { manyCustomer } from './many-customers.ts'
import type { Station } from './message.ts'

/** Connections that say EHLO and then nothing. */
export async function idle({ grown }: Station, connections: number): Promise<PartFigures> {
  const relay = relayOf(grown)
  const before = residentOf(relay).now
  const sockets: Socket[] = []
  for (let at = 0; at < connections; at++) {
    const { address } = manyCustomer(at % grown.customers)
    const socket = connect({ host: '127.0.0.1', port: grown.product.smtpPort, localAddress: address })
    await once(socket, 'data')
    socket.write('EHLO idle.example\r\n')
    await once(socket, 'data')
    sockets.push(socket)
  }
  await pause(2000)
  const after = residentOf(relay).now
  for (const socket of sockets) socket.destroy()
  const size = `${connections} connections`
  return [
    { size, name: 'RSS of the relay before', value: before, unit: 'MB' },
    { size, name: 'RSS of the relay', value: after, unit: 'MB' },
    { size, name: 'for each connection', value: ((after - before) * 1024) / connections, unit: 'KB' },
  ]
}

const megabyte = 1_048_576

/** So many messages of 50 MB at the same time, from the first octet until all have arrived at the receiver. */
export async function large({ grown, sink }: Station, messages: number): Promise<PartFigures> {
  const { product } = grown
  const relay = relayOf(grown)
  const beforehand = residentOf(relay).now
  const before = sink.taken()
  const began = performance.now()
  forgetPeak(relay)
  const sending = Array.from({ length: messages }, (_, at) => sendLarge(product.smtpPort, at % grown.customers))
  const taken = (await Promise.all(sending)).filter(Boolean).length
  const accepted = performance.now() - began
  while (sink.taken() < before + taken) {
    if (performance.now() - began > 300_000) throw new Error('the large messages do not arrive')
    await pause(20)
  }
  const delivered = performance.now() - began
  const { peak } = residentOf(relay)
  await pause(3000)
  const size = `${messages} x 50 MB`
  return [
    { size, name: 'RSS of the relay before', value: beforehand, unit: 'MB' },
    { size, name: 'RSS of the relay at its highest', value: peak, unit: 'MB' },
    { size, name: 'RSS of the relay 3 s later', value: residentOf(relay).now, unit: 'MB' },
    { size, name: 'messages taken; the others were asked to come again', value: taken, unit: 'count' },
    { size, name: 'until all were answered', value: accepted, unit: 'ms' },
    { size, name: 'until all that were taken had arrived', value: delivered, unit: 'ms' },
  ]
}

/** Whether it was taken; a temporary refusal says that there is no room. */
async function sendLarge(port: number, customer: number): Promise<boolean> {
  const { address, domains } = manyCustomer(customer)
  const client = new PlainClient(connect({ host: '127.0.0.1', port, localAddress: address }))
  await client.answer()
  for (const line of ['EHLO large.example', `MAIL FROM:<robot@${domains[0]}>`, 'RCPT TO:<bob@dest.example>', 'DATA']) {
    await client.write(`${line}\r\n`)
    const answer = await client.answer()
    if (!/^(?:250|354)/.test(answer)) throw new Error(`${line} was answered ${answer}`)
  }
  const header = `From: <robot@${domains[0]}>\r\nTo: <bob@dest.example>\r\nSubject: large\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <l@${domains[0]}>\r\n\r\n`
  await client.write(header)
  // Just under the limit of 52,428,800 octets.
  for (let sent = header.length; sent + piece.length < 50 * megabyte; sent += piece.length) await client.write(piece)
  await client.write('.\r\n')
  const answer = await client.answer()
  if (!/^(?:250|4)/.test(answer)) throw new Error(`a large message was answered ${answer}`)
  client.end()
  return answer.startsWith('250')
}

const piece = Buffer.from(`${'x'.repeat(78)}\r\n`.repeat(820))

/** Writes no faster than the server reads. */
class PlainClient {
  readonly #socket: Socket
  #received = ''

  constructor(socket: Socket) {
    this.#socket = socket
    socket.on('data', (data: Buffer) => {
      this.#received += data.toString('latin1')
    })
  }

  async write(octets: string | Buffer): Promise<void> {
    if (!this.#socket.write(octets)) await once(this.#socket, 'drain')
  }

  /** The last line of the next reply. */
  async answer(): Promise<string> {
    for (;;) {
      const last = /^\d{3} .*\r\n$/m.exec(this.#received)?.[0]
      if (last !== undefined) {
        this.#received = ''
        return last.trim()
      }
      if (this.#socket.destroyed) throw new Error('the connection was closed')
      await pause(1)
    }
  }

  end(): void {
    this.#socket.destroy()
  }
}
