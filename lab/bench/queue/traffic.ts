import { setTimeout as pause } from 'node:timers/promises'
import { SmtpClient } from '../../world/smtp-client.ts'
import { manyCustomer } from '../growth/many-customers.ts'

/** A message that was accepted: when its 250 came, in milliseconds since the epoch, and how long that had taken. */
export type Sent = { readonly at: number; readonly waitedMs: number }

export type Traffic = {
  readonly port: number
  readonly customers: number
  readonly connections: number
  /** Messages a second, all connections together; Infinity: as fast as they are accepted. */
  readonly rate: number
  readonly seconds: number
  /** Tells one run's marks from another's. */
  readonly run: string
  /** The recipient of a message, by its number. */
  readonly recipient: (number: number) => string
}

const body = `${'x'.repeat(78)}\r\n`.repeat(15)

/** Sends marked messages; resolves to those that were accepted, by mark. */
export async function send(traffic: Traffic): Promise<ReadonlyMap<string, Sent>> {
  const { seconds, connections, rate } = traffic
  const sent = new Map<string, Sent>()
  const began = performance.now()
  let next = 0
  const work = async (connection: number): Promise<void> => {
    const customer = connection % traffic.customers
    const { address, domains } = manyCustomer(customer)
    const client = await SmtpClient.open({
      host: '127.0.0.1',
      port: traffic.port,
      from: address,
      greeting: 'b.example',
    })
    while (performance.now() - began < seconds * 1000) {
      const number = next++
      const due = (number / rate) * 1000 - (performance.now() - began)
      if (due > 0) await pause(due)
      const mark = `${traffic.run}-${number}`
      const from = performance.now()
      const message = `X-Mark: ${mark}\r\nFrom: Robot <robot@${domains[0]}>\r\nTo: b@queue.example\r\nSubject: fresh\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <${mark}@${domains[0]}>\r\n\r\n${body}`
      const answer = await client.send({
        mailFrom: `robot@${domains[0]}`,
        recipients: [`fresh@${traffic.recipient(number)}`],
        message,
      })
      if (answer.code !== 250) throw new Error(`a message was answered ${answer.code} ${answer.text}`)
      sent.set(mark, { at: Date.now(), waitedMs: performance.now() - from })
    }
    await client.quit()
  }
  await Promise.all(Array.from({ length: connections }, (_, at) => work(at)))
  return sent
}
