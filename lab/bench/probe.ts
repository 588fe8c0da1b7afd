import { setTimeout as pause } from 'node:timers/promises'
import { SmtpClient } from '../world/smtp-client.ts'
import { messageOctets, recipient, sender } from './load.ts'

/** A client of our own beside the load: how long it waits from its end of data to the 250, in milliseconds. */
export type Probe = {
  /** Sends no more; resolves to the waits of the messages that were accepted. */
  stop(): Promise<readonly number[]>
}

/** Between two of its messages; enough to leave the load alone. */
const restMs = 5

export async function startProbe(port: number): Promise<Probe> {
  const client = await SmtpClient.open({ host: '127.0.0.1', port, from: '127.0.0.1', greeting: 'probe.acme.example' })
  const waits: number[] = []
  const state = { stopped: false }
  const message = Buffer.from(`${messageText()}\r\n.\r\n`)
  const work = async (): Promise<void> => {
    while (!state.stopped) {
      const wait = await once(client, message)
      waits.push(wait)
      await pause(restMs)
    }
    await client.quit()
  }
  const working = work()
  working.catch(() => {})
  return {
    stop: async () => {
      state.stopped = true
      await working
      return waits
    },
  }
}

/** One transaction. Throws when it is not accepted: a bench of refusals measures nothing. */
async function once(client: SmtpClient, message: Buffer): Promise<number> {
  for (const command of [`MAIL FROM:<${sender}>`, `RCPT TO:<${recipient}>`, 'DATA']) {
    const answer = await client.command(command)
    if (answer.code !== 250 && answer.code !== 354)
      throw new Error(`${command} was answered ${answer.code} ${answer.text}`)
  }
  const began = performance.now()
  client.write(message)
  const answer = await client.reply()
  if (answer.code !== 250) throw new Error(`a message was answered ${answer.code} ${answer.text}`)
  return performance.now() - began
}

function messageText(): string {
  const header = `From: <${sender}>\r\nTo: <${recipient}>\r\nSubject: probe\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <probe@acme.example>\r\n`
  return `${header}\r\n${`${'x'.repeat(78)}\r\n`.repeat(messageOctets / 80)}`
}

/** The value below which that share of them lies; NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export function median(values: readonly number[]): number {
  return percentile(values, 0.5)
}
