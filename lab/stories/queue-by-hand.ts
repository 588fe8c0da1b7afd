import type { SmtpReply } from '../world/smtp-client.ts'
import type { World } from '../world/world.ts'
import { throughExchangeOnline } from './senders.ts'
import type { Stage } from './story.ts'

/** The decision id that a reply names. */
export const idIn = ({ text }: SmtpReply): string => /\(([0-9a-z]{16})\)$/.exec(text)?.[1] ?? 'none'

/** Sends messages to a destination that puts everything off, and waits until each was tried. */
export async function sendStuck(
  world: World,
  stage: Stage,
  domain: string,
  words: readonly string[],
  ...more: readonly string[]
): Promise<readonly SmtpReply[]> {
  world.receiver.deferEverything(true)
  const said: SmtpReply[] = []
  for (const word of words) {
    const mailFrom = stage.address('ann', 'acme.example')
    said.push(
      await throughExchangeOnline(world, stage, { mailFrom, recipients: [stage.address(word, domain), ...more] }),
    )
  }
  const tried = async (): Promise<boolean> => {
    const rows = await world.product.operations.queue({ destination: domain })
    return (
      rows.length === words.length && rows.every((row) => row.recipients.every(({ lastReply }) => lastReply !== null))
    )
  }
  await until(tried)
  return said
}

/** Whether it becomes so within eight seconds. */
export async function until(itIs: () => Promise<boolean> | boolean): Promise<boolean> {
  const deadline = Date.now() + 8000
  while (!(await itIs())) {
    if (Date.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return true
}
