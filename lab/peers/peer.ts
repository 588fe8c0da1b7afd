import { setTimeout as pause } from 'node:timers/promises'

/**
 * A mail server that is not ours, as a receiver on loopback. What it does with a recipient goes by how the local part begins: `gone`
 * 550 5.1.1, `full` 552 5.2.2, `policy` 550 5.7.1, `over` 452 4.2.2 each time, `busy` 421 each time, `grey` 450 4.7.1 the first time;
 * all others are taken. It takes messages of up to 200,000 octets.
 */
export type Peer = {
  /** The messages in the mailbox of a recipient, as the server stored them, once `count` are there or the time is over. */
  messagesFor(recipient: string, count: number, withinMs?: number): Promise<readonly Buffer[]>
  /** Its log. */
  said(): string
  stop(): Promise<void>
}

/** Waits for messages among the files of a maildir: all that came, by the recipient that the server wrote on top. */
export async function messagesFor(
  files: () => readonly Buffer[],
  recipient: string,
  count: number,
  withinMs = 15_000,
): Promise<readonly Buffer[]> {
  const until = Date.now() + withinMs
  const mine = (): readonly Buffer[] => files().filter((file) => recipientOf(file) === recipient)
  while (mine().length < count && Date.now() < until) await pause(50)
  return mine()
}

/** Postfix and OpenSMTPD write `Delivered-To`, Exim `Envelope-to`. */
function recipientOf(message: Buffer): string | undefined {
  return /^(?:Delivered-To|Envelope-to): (.*?)\r?$/im.exec(message.toString('latin1'))?.[1]
}
