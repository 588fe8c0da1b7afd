import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type SmallWorld, createSmallWorld, plant } from '../drills/small-world.ts'
import { SmtpClient } from '../world/smtp-client.ts'
import { type ScriptedReceiver, startScriptedReceiver } from './scripted-receiver.ts'

/** The product, in front of receivers by domain; what it writes back to its senders comes to `reports`. */
export type ReceivingWorld = {
  readonly world: SmallWorld
  readonly reports: ScriptedReceiver
  /** Hands a message to the relay and answers its id; throws when it is refused. */
  send(mail: { readonly to: readonly string[]; readonly body?: string }): Promise<string>
  /** The reports about recipients, whole, as they reached the sender. */
  reportsAbout(recipient: string): readonly string[]
  /** What the ledger says became of each recipient of a message: all ends of each, in order. */
  ends(id: string): Promise<ReadonlyMap<string, readonly End[]>>
  /** Until the queue is empty; throws with what is left. */
  empty(withinMs: number): Promise<void>
  close(): Promise<void>
}

export type End = { readonly kind: string; readonly words: string }

/** Retries and consequences of replies that a test can wait for. */
const shaping = `profiles:
  default:
    date: '2026-11-24'
    why: a test can not wait for as long as people do
    actions:
      greylist: [{ do: retry, after: 1s, times: 100 }]
      rate: [{ do: retry, after: 1s, times: 100 }]
      reputation: [{ do: retry, after: 1s, times: 100 }]
      auth: []
      content: []
      policy: []
      full: [{ do: retry, after: 1s, times: 100 }]
`

export async function createReceivingWorld(options: {
  readonly ports: { readonly [domain: string]: number }
  readonly giveUpAfter: string
}): Promise<ReceivingWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-receiving-'))
  const profiles = join(directory, 'shaping.yaml')
  writeFileSync(profiles, shaping)
  const reports = await startScriptedReceiver()
  const routes = Object.entries({ ...options.ports, '*': reports.port }).map(([domain, port]) => ({
    domain,
    host: '127.0.0.1',
    port,
  }))
  const retry = { first: '1s', factor: 1, max: '1s', giveUpAfter: options.giveUpAfter }
  const delivery = { routes, retry, shaping: profiles }
  const world = await createSmallWorld({ deliverToPort: reports.port, directory, configuration: { delivery } })
  const end = async (): Promise<void> => {
    await world.close()
    await reports.close()
    rmSync(directory, { recursive: true, force: true })
  }
  return {
    world,
    reports,
    send: (mail) => send(world, mail),
    reportsAbout: (recipient) =>
      reports.taken
        .map((one) => one.message)
        .filter((text) => text.includes(`Final-Recipient: rfc822; ${recipient}\r\n`)),
    ends: (id) => endsOf(world, id),
    empty: (withinMs) => empty(world, withinMs),
    close: end,
  }
}

async function send(
  world: SmallWorld,
  mail: { readonly to: readonly string[]; readonly body?: string },
): Promise<string> {
  const client = await SmtpClient.open({
    host: world.host,
    port: world.smtpPort,
    from: plant,
    greeting: 'plant.acme.example',
  })
  try {
    const message = [
      'From: Robot <robot@acme.example>',
      `To: ${mail.to.map((one) => `<${one}>`).join(', ')}`,
      'Subject: to a receiver',
      'Date: Tue, 24 Nov 2026 10:00:00 +0000',
      `Message-ID: <${Math.random().toString(36).slice(2)}@acme.example>`,
      '',
      mail.body ?? 'Hello.\r\n.And a line with a dot.\r\n',
    ].join('\r\n')
    const answer = await client.send({ mailFrom: 'robot@acme.example', recipients: mail.to, message })
    const id = / \(([0-9a-z]{16})\)$/.exec(answer.text)?.[1]
    if (answer.code !== 250 || id === undefined) throw new Error(`not taken: ${answer.code} ${answer.text}`)
    return id
  } finally {
    await client.quit()
  }
}

async function endsOf(world: SmallWorld, id: string): Promise<ReadonlyMap<string, readonly End[]>> {
  const story = await world.product().operations.why(id, { replay: false })
  const ends = new Map<string, End[]>()
  for (const { kind, words } of story?.events ?? []) {
    if (!['delivered', 'failed', 'cancelled', 'expired', 'bounced', 'discarded'].includes(kind)) continue
    for (const [recipient] of (words.split(' at ')[0] ?? '').matchAll(/[^\s,]+@[^\s,]+/g)) {
      ends.set(recipient, [...(ends.get(recipient) ?? []), { kind, words }])
    }
  }
  return ends
}

async function empty(world: SmallWorld, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const left = await world.product().operations.queue({})
    if (left.length === 0) return
    if (Date.now() > deadline) {
      const rows = left.flatMap((one) => one.recipients).map((one) => `${one.address} ${one.state} ${one.lastReply}`)
      throw new Error(`still queued after ${withinMs} ms:\n${rows.join('\n')}`)
    }
    await pause(100)
  }
}
