import { setTimeout as pause } from 'node:timers/promises'
import { SmtpClient } from '../world/smtp-client.ts'
import { plant } from './small-world.ts'

/** Mail offered over several connections at a time, through anything that happens to the relay. */
export type Load = {
  /** Recipients whose message was answered 250, in order. */
  readonly accepted: readonly string[]
  /** Recipients for which no answer came: the relay may have them or not. */
  readonly unanswered: readonly string[]
  readonly refused: number
  stop(): Promise<void>
}

/** Sends small messages, each to a recipient of its own, and notes what the relay answered. Bounded by `most`. */
export function startLoad(options: {
  readonly host: string
  readonly port: number
  readonly connections: number
  readonly most: number
  readonly bodyBytes: number
}): Load {
  const accepted: string[] = []
  const unanswered: string[] = []
  const state = { refused: 0, next: 0, stopped: false }
  const body = `${'x'.repeat(78)}\r\n`.repeat(Math.ceil(options.bodyBytes / 80))

  const work = async (): Promise<void> => {
    let client: SmtpClient | null = null
    while (!state.stopped && state.next < options.most) {
      const recipient = `r${state.next++}@dest.example`
      try {
        client ??= await SmtpClient.open({
          host: options.host,
          port: options.port,
          from: plant,
          greeting: 'plant.acme.example',
        })
        const answer = await client.send({
          mailFrom: 'robot@acme.example',
          recipients: [recipient],
          message: messageTo(recipient, body),
        })
        if (answer.code === 250) accepted.push(recipient)
        else if (answer.code === 0) {
          unanswered.push(recipient)
          client = null
        } else state.refused += 1
        if (answer.code === 421) client = null
      } catch {
        client = null
        await pause(20)
      }
    }
    await client?.quit()
  }

  const workers = Array.from({ length: options.connections }, work)
  return {
    accepted,
    unanswered,
    get refused() {
      return state.refused
    },
    stop: async () => {
      state.stopped = true
      await Promise.all(workers)
    },
  }
}

function messageTo(recipient: string, body: string): string {
  return [
    'From: Robot <robot@acme.example>',
    `To: <${recipient}>`,
    'Subject: drill',
    `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${recipient.split('@')[0] ?? ''}@acme.example>`,
    '',
    body,
  ].join('\r\n')
}
