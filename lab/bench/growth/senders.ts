import { SmtpClient, type SmtpReply } from '../../world/smtp-client.ts'
import { messageOctets } from '../load.ts'
import { manyCustomer } from './many-customers.ts'

const body = `${'x'.repeat(78)}\r\n`.repeat(messageOctets / 80)

/**
 * Sends messages of 10 KB from many customers, each from its own address: a session of some messages from one, then from the next.
 * Resolves to how long each waited for its 250 after its end of data, in milliseconds.
 */
export async function sendFromMany(options: {
  readonly port: number
  /** The places of the customers in the policy, in the order in which they send. */
  readonly customers: readonly number[]
  readonly messagesOfEach: number
  readonly connections: number
}): Promise<readonly number[]> {
  const { port, customers, messagesOfEach, connections } = options
  const waits: number[] = []
  let next = 0
  const work = async (): Promise<void> => {
    for (let at = customers[next++]; at !== undefined; at = customers[next++]) {
      const client = await openAs(port, at)
      for (let sent = 0; sent < messagesOfEach; sent++) {
        const { code, text, waitedMs } = await sendOne(client, at)
        if (code !== 250) throw new Error(`customer ${at} was answered ${code} ${text}`)
        waits.push(waitedMs)
      }
      await client.quit()
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  return waits
}

export function openAs(port: number, customer: number): Promise<SmtpClient> {
  const { address, domains } = manyCustomer(customer)
  return SmtpClient.open({ host: '127.0.0.1', port, from: address, greeting: `mail.${domains[0]}` })
}

/** One transaction; the answer to its end of data, or the first that is not as hoped. */
export async function sendOne(
  client: SmtpClient,
  customer: number,
): Promise<SmtpReply & { readonly waitedMs: number }> {
  const [domain] = manyCustomer(customer).domains
  for (const [line, hoped] of [
    [`MAIL FROM:<robot@${domain}>`, 250],
    ['RCPT TO:<bob@dest.example>', 250],
    ['DATA', 354],
  ] as const) {
    const answer = await client.command(line)
    if (answer.code !== hoped) return { ...answer, waitedMs: 0 }
  }
  const began = performance.now()
  // No line of it begins with a dot.
  client.write(
    `From: Robot <robot@${domain}>\r\nTo: bob@dest.example\r\nSubject: growth\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@${domain}>\r\n\r\n${body}.\r\n`,
  )
  return { ...(await client.reply()), waitedMs: performance.now() - began }
}
