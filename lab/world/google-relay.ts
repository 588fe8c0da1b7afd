import type { Identity } from './certificates.ts'
import { type DkimOrder, publishKey, keyNameOf, withDkim } from './provider-signatures.ts'
import { SmtpClient, type SmtpReply } from './smtp-client.ts'
import type { Zone } from './zone.ts'

export type GoogleSubmission = {
  readonly mailFrom: string
  readonly recipients: readonly string[]
  /** The header section without its empty line, and the body; CRLF all through. */
  readonly header: string
  readonly body: string
  /** The Workspace that relays, which Google writes into X-Relaying-Domain; null: no such field. */
  readonly workspace: string | null
  /** What Google signs with: the domain of the Workspace if it has set that up, else its own default name. */
  readonly dkim: readonly DkimOrder[]
  readonly relay: { readonly host: string; readonly port: number }
  /** A client certificate or none; null: in clear. */
  readonly tls?: Partial<Identity> | null
}

export type GoogleRelay = { send(submission: GoogleSubmission): Promise<SmtpReply> }

const signedFields = ['From', 'To', 'Subject', 'Date', 'Message-ID', 'MIME-Version']

/** A fake `smtp-relay.gmail.com`: it relays any author for any Workspace, from Google's address, and says in unsigned text for whom. */
export function createGoogleRelay(options: { readonly address: string; readonly zone: Zone }): GoogleRelay {
  return {
    send: async ({ mailFrom, recipients, header, body, workspace, dkim, relay, tls }) => {
      const relaying = workspace === null ? '' : `X-Relaying-Domain: ${workspace}\r\n`
      let message: Buffer = Buffer.from(`X-Google-Smtp-Source: AGHT+IE\r\n${relaying}${header}\r\n${body}`)
      for (const order of dkim) {
        publishKey(options.zone, keyNameOf(order))
        message = await withDkim(message, { fields: signedFields, ...order })
      }
      const client = await SmtpClient.open({
        ...relay,
        from: options.address,
        greeting: 'mail-sor-f69.google.com',
        ...(tls === null ? {} : { tls: tls ?? {} }),
      })
      try {
        return await client.send({ mailFrom, recipients, message })
      } finally {
        await client.quit()
      }
    },
  }
}
