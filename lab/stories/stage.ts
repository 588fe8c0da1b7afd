import type { Arrival } from '../world/receiver.ts'
import type { Stage } from './story.ts'

/** The stage of one story. Every address on it starts with the story's name, which is how what arrives finds its story. */
export function stageFor(name: string): Stage {
  const recipient = `${name}@receiver.example`
  return {
    name,
    recipient,
    address: (word, domain = 'receiver.example') => `${name}.${word}@${domain}`,
    header: ({ from, subject = name, contentType = 'text/plain; charset=utf-8', more = '' }) =>
      [
        `From: ${from}`,
        `To: <${recipient}>`,
        `Subject: ${subject}`,
        `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
        `Message-ID: <${name}.${Date.now()}@lab.example>`,
        'MIME-Version: 1.0',
        `Content-Type: ${contentType}`,
        '',
      ].join('\r\n') + more,
  }
}

/** Whether an arrival is for an address of this story's stage. */
export function belongsTo(name: string, arrival: Pick<Arrival, 'recipients'>): boolean {
  return arrival.recipients.some((recipient) => recipient.startsWith(`${name}@`) || recipient.startsWith(`${name}.`))
}
