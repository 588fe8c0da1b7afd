import { z } from 'zod'
import { isLoopback } from '../standards/names/loopback.ts'
import { domainField, emailField, ipField, positiveInteger } from '../standards/yaml/fields.ts'
import {
  dnsServerField,
  durationField,
  graceField,
  listenHostField,
  loginField,
  portField,
  providerNetworkField,
  proxyNetworkField,
  remoteHostField,
  rotationField,
  routeDomainField,
  storeUrlField,
  wrappingField,
} from './fields.ts'

/** A field with its documentation: what `docs/config.md` says of it. */
const described = <T extends z.ZodType>(field: T, words: string): T => field.describe(words)

/** Checks of fields against each other run even when one of them is bad by itself, so that every problem is told at once. */
const always = { when: ({ value }: { readonly value: unknown }) => typeof value === 'object' && value !== null }
const alwaysInLists = { when: ({ value }: { readonly value: unknown }) => Array.isArray(value) }

const path = z.string().min(1, 'is empty')

const tls = z.strictObject({
  cert: described(path, 'PEM file: the certificate, then its intermediates.'),
  key: described(path, 'PEM file: the private key.'),
})

const listener = z
  .strictObject({
    name: described(
      z.string().regex(/^[a-z0-9][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and hyphens, at most 32'),
      'Names the listener in logs and in the ledger. Unique.',
    ),
    role: described(
      z
        .enum(['relay', 'feedback'])
        .refine((role) => role !== 'feedback', 'this version has no feedback listeners')
        .prefault('relay'),
      'What comes in here. `feedback` is not in this version.',
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
    const names = all.map((one) => one?.name)
    const places = all.map((one) => (one?.port === undefined || one.port === 0 ? undefined : `${one.host}:${one.port}`))
    for (const at of repeats(names)) {
      context.addIssue({ code: 'custom', path: [at, 'name'], message: 'another listener has this name' })
    }
    for (const at of repeats(places)) {
      context.addIssue({ code: 'custom', path: [at, 'port'], message: 'another listener has this address and port' })
    }
  }, alwaysInLists)

const publicUrl = z.string().superRefine((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : null
  const message =
    url === null ||
    !['http:', 'https:'].includes(url.protocol) ||
    url.search !== '' ||
    url.hash !== '' ||
    url.username !== ''
      ? 'must be an http or https URL without user, query or fragment'
      : url.protocol === 'http:' && !isLoopback(url.hostname.replace(/^\[|\]$/g, ''))
        ? 'plain HTTP is for loopback only: use https'
        : null
  if (message !== null) context.addIssue({ code: 'custom', message })
})

const control = z
  .strictObject({
    host: described(listenHostField.prefault('127.0.0.1'), 'Address of the API and the console.'),
    port: described(portField.prefault(8025), 'Its port; 0 takes a free one.'),
    publicUrl: described(
      publicUrl.nullable().prefault(null),
      'The URL under which people reach it. Default: built from host, port and tls.',
    ),
    tls: described(tls.nullable().prefault(null), 'Certificate for HTTPS. Plain HTTP off loopback is an error.'),
    trustProxyFrom: described(
      z.array(proxyNetworkField).prefault([]),
      'Proxies whose X-Forwarded-For is believed. An empty list believes nobody.',
    ),
  })
  .superRefine((one, context) => {
    if (one.tls === null && typeof one.host === 'string' && !isLoopback(one.host)) {
      context.addIssue({
        code: 'custom',
        path: ['host'],
        message: 'plain HTTP is for loopback only: give tls, or listen on 127.0.0.1',
      })
    }
  }, always)

const clientCertificate = z.strictObject({
  required: described(
    z.literal(true, 'must be true: an address alone proves no provider').prefault(true),
    'Accepts only `true`.',
  ),
  names: described(
    z.array(domainField).prefault(['mail.protection.outlook.com']),
    'Names of which the certificate must bear one. An empty list means no certificate will do.',
  ),
  ca: described(
    path.prefault('system'),
    '`system`, or a PEM file with the certificates of the authorities to believe instead.',
  ),
})

const m365 = z.strictObject({
  networks: described(
    z.array(providerNetworkField).nullable().prefault(null),
    'Addresses that Microsoft 365 sends from. Default: the built-in list. Wider than /12 (IPv6 /32) is an error; an empty list means none.',
  ),
  clientCertificate: described(clientCertificate.prefault({}), 'The TLS client certificate that it must present.'),
  fcrdns: described(
    z.enum(['off', 'prefer', 'require']).prefault('off'),
    'Forward-confirmed reverse DNS of the connecting host: not looked at, recorded, or demanded.',
  ),
  login: described(
    loginField.prefault('https://login.microsoftonline.com'),
    "URL of Microsoft's sign-in service, which `sources resolve` asks for the tenant of a domain; `off` asks nobody.",
  ),
})

const google = z.strictObject({
  networks: described(
    z.array(providerNetworkField).nullable().prefault(null),
    "Addresses that Google Workspace sends from. Default: the built-in list. A connection from there is only ever a Workspace's, told by the signature of the author's own domain.",
  ),
})

const route = z.strictObject({
  domain: described(
    routeDomainField,
    'Recipient domain: `*` for all, `example.com`, or `*.example.com` for all below it. The most exact wins.',
  ),
  host: described(remoteHostField, 'Next hop: a name or an address.'),
  port: described(z.int().min(1, 'must be 1 to 65535').max(65535, 'must be 1 to 65535').prefault(25), 'Its port.'),
  tls: described(
    z.enum(['opportunistic', 'required', 'off']).prefault('opportunistic'),
    '`opportunistic` uses STARTTLS when offered; `required` sends only over TLS; `off` never asks for it.',
  ),
})

const routes = z.array(route).superRefine((all: readonly Partial<z.output<typeof route>>[], context) => {
  for (const at of repeats(all.map((one) => one?.domain))) {
    context.addIssue({ code: 'custom', path: [at, 'domain'], message: 'another route has this domain' })
  }
}, alwaysInLists)

const retry = z
  .strictObject({
    first: described(durationField.prefault('60s'), 'Wait after the first temporary failure.'),
    factor: described(
      z.number().min(1, 'must be 1 or more').max(100, 'must be at most 100').prefault(2),
      'Each wait is this many times the one before.',
    ),
    max: described(durationField.prefault('4h'), 'The longest wait.'),
    giveUpAfter: described(durationField.prefault('5d'), 'Age at which a message is returned.'),
  })
  .superRefine((one, context) => {
    if (one.max < one.first) context.addIssue({ code: 'custom', path: ['max'], message: 'is shorter than first' })
    if (one.giveUpAfter < one.first)
      context.addIssue({ code: 'custom', path: ['giveUpAfter'], message: 'is shorter than first' })
  }, always)

/** The whole of `anechoic.yaml`: type, default, documentation and error in one place. */
export const schema = z.strictObject({
  hostname: described(
    domainField.optional(),
    "Our name in greetings and trace fields. Default: the machine's name, or `localhost` where that is no valid name.",
  ),
  operator: described(
    z
      .strictObject({
        domain: described(
          domainField.optional(),
          'Our own mail (delivery status notifications) speaks for this domain. No customer can own it. Default: hostname.',
        ),
      })
      .prefault({}),
    'Who runs this relay.',
  ),
  dataDir: described(path.prefault('./data'), 'Queue, ledger and records.'),
  listeners: described(listeners.prefault([{ name: 'upstream', port: 2525 }]), 'SMTP listeners.'),
  control: described(control.prefault({}), 'API and console.'),
  store: described(
    z
      .strictObject({
        url: described(
          storeUrlField.optional(),
          'Policy, keys and records. PostgreSQL is not in this version. Default: `sqlite:` and `anechoic.db` in dataDir.',
        ),
      })
      .prefault({}),
    'The SQL store.',
  ),
  workers: described(
    z
      .int()
      .refine((count) => count === 1, 'this version runs one relay process: must be 1')
      .prefault(1),
    'Relay processes. This version runs one.',
  ),
  keys: described(
    z
      .strictObject({
        wrapping: described(
          wrappingField.optional(),
          'The key under which private keys are stored: `file:PATH` (made 0600 at first start), `env:NAME` or `command:COMMAND`, which print it. Default: `file:` and `wrapping.key` in dataDir.',
        ),
        zone: described(
          domainField.optional(),
          "The zone of ours that customers' CNAME records lead to; `anechoic keys zone` prints what stands in it. Default: `dkim.` and operator.domain.",
        ),
        rotateAfter: described(
          rotationField.prefault('off'),
          'Age at which a key that signs is given a successor, at least `30d`. `off`: only when somebody asks. It signs until the record of the other was seen.',
        ),
      })
      .prefault({}),
    'Signing keys.',
  ),
  proof: described(
    z
      .strictObject({
        grace: described(
          graceField.prefault('3d'),
          'How long a domain whose record is gone from DNS is still signed for, with a warning; `0` stops at once.',
        ),
      })
      .prefault({}),
    'Proof that a customer owns a domain.',
  ),
  dns: described(
    z
      .strictObject({
        servers: described(
          z.array(dnsServerField).prefault([]),
          "Resolvers, each `ADDRESS` or `ADDRESS:PORT`. An empty list takes the system's.",
        ),
        timeoutMs: described(
          positiveInteger.max(60_000, 'must be at most 60000').prefault(3000),
          'Wait for one answer, in milliseconds.',
        ),
      })
      .prefault({}),
    'Name resolution.',
  ),
  limits: described(
    z
      .strictObject({
        maxMessageBytes: described(positiveInteger.prefault(52_428_800), 'Largest message, in octets.'),
        maxHeaderBytes: described(positiveInteger.prefault(262_144), 'Largest header section, in octets.'),
        maxHeaderFields: described(positiveInteger.prefault(1000), 'Most header fields in a message.'),
        maxRecipients: described(positiveInteger.prefault(500), 'Most recipients in a transaction.'),
        maxConnections: described(positiveInteger.prefault(2000), 'Most sessions at a time.'),
        maxConnectionsPerClient: described(positiveInteger.prefault(100), 'Most sessions at a time from one address.'),
        idleTimeoutSeconds: described(positiveInteger.prefault(300), 'Silence that ends a session, in seconds.'),
        bytesInFlight: described(
          positiveInteger.prefault(536_870_912),
          'Octets of messages in memory, over all sessions, before reading waits.',
        ),
      })
      .prefault({}),
    'What one client, or all together, may use.',
  ),
  providers: described(
    z
      .strictObject({
        m365: described(m365.prefault({}), 'Microsoft 365.'),
        google: described(google.prefault({}), 'Google Workspace.'),
      })
      .prefault({}),
    'How a connection proves a shared cloud. A connection from its addresses is only ever its kind of source.',
  ),
  delivery: described(
    z
      .strictObject({
        routes: described(routes.prefault([]), 'Where mail goes instead of to the MX of the recipient domain.'),
        port: described(
          z.int().min(1, 'must be 1 to 65535').max(65535, 'must be 1 to 65535').prefault(25),
          'Port of the MX hosts.',
        ),
        sourceAddresses: described(
          z.array(ipField).prefault([]),
          'Addresses of ours to connect from, in turn. An empty list leaves it to the system.',
        ),
        retry: described(
          retry.prefault({}),
          'The clock of temporary failures at the destination. Faults of ours never touch it.',
        ),
      })
      .prefault({}),
    'How mail leaves.',
  ),
  policy: described(
    path.nullable().prefault(null),
    'Policy file. Where it is given, the file is the authority and `apply` is refused.',
  ),
  feedback: described(
    z
      .strictObject({
        addresses: described(z.array(emailField).prefault([]), 'Addresses at which reports about our mail arrive.'),
      })
      .prefault({}),
    'Reports about our mail.',
  ),
  retention: described(
    z
      .strictObject({
        ledger: described(durationField.prefault('400d'), 'The ledger.'),
        subjects: described(durationField.prefault('30d'), 'Subjects in it.'),
        heldBodies: described(durationField.prefault('14d'), 'Held messages.'),
        reports: described(durationField.prefault('400d'), 'Reports.'),
      })
      .prefault({}),
    'How long things are kept.',
  ),
  log: described(
    z
      .strictObject({
        level: described(z.enum(['debug', 'info', 'warn', 'error']).prefault('info'), 'The least that is logged.'),
        format: described(z.enum(['json', 'text']).prefault('json'), 'JSON lines for machines, or text for people.'),
      })
      .prefault({}),
    'The log, on stderr.',
  ),
})

/** The positions of values that stand earlier in the list too. */
function repeats(values: readonly (string | undefined)[]): readonly number[] {
  return values.flatMap((value, at) => (value !== undefined && values.indexOf(value) < at ? [at] : []))
}
