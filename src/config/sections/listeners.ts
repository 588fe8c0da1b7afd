import { z } from 'zod'
import { listenHostField, portField, proxyNetworkField } from '../fields.ts'
import { always, alwaysInLists, described, repeats, tls } from './shape.ts'

const listener = z
  .strictObject({
    name: described(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and hyphens, at most 32'),
      'Names the listener in logs and in the ledger. Unique.',
    ),
    role: described(
      z.enum(['relay', 'feedback']).prefault('relay'),
      'What comes in here. `relay`: mail of sources, to be sent on. `feedback`: reports about our mail, from anybody, for `feedback.addresses`, postmaster and abuse, and return-path addresses of ours; nothing is ever relayed from it.',
    ),
    host: described(listenHostField.prefault('127.0.0.1'), 'Address to listen on.'),
    port: described(portField, 'Port to listen on; 0 takes a free one.'),
    tls: described(tls.nullable().prefault(null), 'Certificate for STARTTLS. Without it STARTTLS is not offered.'),
    requireTls: described(z.boolean().prefault(false), 'Refuse MAIL before STARTTLS.'),
    auth: described(z.boolean().prefault(false), 'Offer AUTH PLAIN and LOGIN after STARTTLS, for `smtp-auth` sources.'),
    proxyProtocolFrom: described(
      z.array(proxyNetworkField).prefault([]),
      'Proxies that begin each connection with the PROXY protocol, version 1 or 2. From them nothing else is taken; what they say beyond addresses is no proof.',
    ),
  })
  .superRefine((one, context) => {
    if (one.role === 'feedback' && one.auth) {
      context.addIssue({
        code: 'custom',
        path: ['auth'],
        message: 'is for relay listeners: nobody signs in to send a report',
      })
    }
    if (one.tls !== null) return
    if (one.requireTls) context.addIssue({ code: 'custom', path: ['requireTls'], message: 'needs tls' })
    if (one.auth) {
      context.addIssue({ code: 'custom', path: ['auth'], message: 'needs tls: passwords are taken only over TLS' })
    }
  }, always)

const listeners = z
  .array(listener)
  .min(1, 'a relay needs a listener')
  .superRefine((all: readonly Partial<z.output<typeof listener>>[], context) => {
    if (all.length > 0 && all.every((one) => one?.role === 'feedback')) {
      context.addIssue({ code: 'custom', message: 'one listener must be of role relay' })
    }
    const names = all.map((one) => one?.name)
    const places = all.map((one) => (one?.port === undefined || one.port === 0 ? undefined : `${one.host}:${one.port}`))
    for (const at of repeats(names)) {
      context.addIssue({ code: 'custom', path: [at, 'name'], message: 'another listener has this name' })
    }
    for (const at of repeats(places)) {
      context.addIssue({ code: 'custom', path: [at, 'port'], message: 'another listener has this address and port' })
    }
  }, alwaysInLists)

/** `listeners`: where SMTP comes in. */
export const listenersSection = described(listeners.prefault([{ name: 'upstream', port: 2525 }]), 'SMTP listeners.')
