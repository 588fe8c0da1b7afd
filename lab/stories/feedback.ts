import { SmtpClient, type SmtpReply } from '../world/smtp-client.ts'
import type { Arrival } from '../world/receiver.ts'
import type { World } from '../world/world.ts'
import { throughExchangeOnline } from './senders.ts'
import type { Stage } from './story.ts'
import { type StoryWorld, customerOf } from './worlds.ts'

/** The domain at which reports about Acme's mail come back. */
export const bounceDomain = 'bounce.acme.example'

/** An address at which complaints arrive. */
export const complaintsTo = 'fbl@reports.lab.example'

/** A world with a feedback listener, in which Acme has a return path. */
export const feedbackWorld: StoryWorld = {
  name: 'a world in which mail comes back',
  feedback: true,
  policy: (policy) => {
    const domain = customerOf(policy, 'acme').domains.find((one) => one['name'] === 'acme.example')
    if (domain !== undefined) domain['returnPath'] = bounceDomain
  },
}

/** The reverse-path of the envelope, so that what is sent back to it arrives on the stage. */
export function senderOn(stage: Stage): string {
  return stage.address('ann', 'acme.example')
}

/** Acme sends a message, and the receiver takes it. */
export async function sendAndTake(
  world: World,
  stage: Stage,
): Promise<{ readonly said: SmtpReply; readonly id: string; readonly arrival: Arrival }> {
  world.zone[bounceDomain] = { TXT: ['v=spf1 ip4:127.0.0.1 -all'] }
  const said = await throughExchangeOnline(world, stage, { mailFrom: senderOn(stage) })
  const [arrival] = await world.arrivalsFor(stage.recipient, 1)
  if (arrival === undefined) throw new Error(`nothing arrived: ${said.text}`)
  return { said, id: idIn(said), arrival }
}

/** The id at the end of a reply. */
export function idIn({ text }: SmtpReply): string {
  return /\(([0-9a-z]+)\)$/.exec(text)?.[1] ?? ''
}

/** A client of the feedback listener: some mail system of the Internet. */
export function openFeedback(world: World): Promise<SmtpClient> {
  if (world.feedback === null) throw new Error('the world has no feedback listener')
  return SmtpClient.open({ ...world.feedback, from: '127.0.0.77', greeting: 'mx.receiver.example' })
}

/** One message to the feedback listener. */
export async function sendBack(world: World, to: string, message: string): Promise<SmtpReply> {
  const client = await openFeedback(world)
  const said = await client.send({ mailFrom: '', recipients: [to], message })
  await client.quit()
  return said
}

/** A bounce as RFC 3464 has it. */
export function bounceOf(recipient: string): string {
  return [
    'From: MAILER-DAEMON@receiver.example',
    'Subject: Undelivered Mail Returned to Sender',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    '',
    'Sorry.',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.receiver.example',
    '',
    `Final-Recipient: rfc822; ${recipient}`,
    'Action: failed',
    'Status: 5.1.1',
    'Diagnostic-Code: smtp; 550 5.1.1 the mailbox is gone',
    '--b--',
    '',
  ].join('\r\n')
}

/** Words of events of a message of this kind, once there are any. */
export async function eventsOf(world: World, id: string, kind: string, withinMs = 10_000): Promise<readonly string[]> {
  const deadline = Date.now() + withinMs
  for (;;) {
    const story = await world.product.operations.why(id, { replay: false })
    const words = (story?.events ?? []).filter((event) => event.kind === kind).map((event) => event.words)
    if (words.length > 0 || Date.now() > deadline) return words
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
