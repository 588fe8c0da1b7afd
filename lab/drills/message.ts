/** The address of the message with this number: each message has a recipient of its own, so that counting recipients counts messages. */
export function recipientOf(number: number): string {
  return `r${number}@dest.example`
}

/** A body that names its recipient in every line: no part of another message could pass for it. */
export function bodyFor(recipient: string, octets: number): string {
  const line = `${recipient} `.repeat(Math.max(1, Math.floor(78 / (recipient.length + 1)))).trimEnd()
  return `${line}\r\n`.repeat(Math.max(1, Math.ceil(octets / (line.length + 2))))
}

export function messageFor(recipient: string, octets: number): string {
  return [
    'From: Robot <robot@acme.example>',
    `To: <${recipient}>`,
    'Subject: drill',
    'Date: Tue, 24 Nov 2026 10:00:00 +0000',
    `Message-ID: <${recipient.split('@')[0] ?? ''}@acme.example>`,
    '',
    bodyFor(recipient, octets),
  ].join('\r\n')
}
