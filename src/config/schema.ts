import { z } from 'zod'
import { isLoopback } from '../standards/names/loopback.ts'
import { domainField, positiveInteger } from '../standards/yaml/fields.ts'
import {
  dnsServerField,
  durationField,
  graceField,
  listenHostField,
  loginField,
  portField,
  providerNetworkField,
  proxyNetworkField,
  rotationField,
  storeUrlField,
  wrappingField,
} from './fields.ts'
import { deliverySection } from './sections/delivery.ts'
import { feedbackSection } from './sections/feedback.ts'
import { listenersSection } from './sections/listeners.ts'
import { always, described, path, tls } from './sections/shape.ts'

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
  listeners: listenersSection,
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
    z.int().min(1, 'must be at least 1').max(32, 'must be at most 32').prefault(1),
    'Relay processes, at most 32. Each has a queue and a signer of its own; they share the listeners and all limits.',
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
  delivery: deliverySection,
  policy: described(
    path.nullable().prefault(null),
    'Policy file. Where it is given, the file is the authority and `apply` is refused.',
  ),
  feedback: feedbackSection,
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
