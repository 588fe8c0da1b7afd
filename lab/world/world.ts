import { argon2Sync, createHash, randomBytes, X509Certificate } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { acme, addresses, crm, globex, onPrem } from './cast.ts'
import { type Authority, type Identity, createAuthority } from './certificates.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { type ExchangeOnline, createExchangeOnline } from './exchange-online.ts'
import { type Product, startProduct } from './product.ts'
import { type Arrival, type Receiver, startReceiver } from './receiver.ts'
import type { Zone } from './zone.ts'

/** Everything that a story can touch: the product, the clouds around it, and the receiver at the end. */
export type World = {
  readonly product: Product
  readonly relay: { readonly host: string; readonly port: number }
  readonly exchangeOnline: ExchangeOnline
  readonly receiver: Receiver
  readonly zone: Zone
  readonly identities: { readonly provider: Identity; readonly erp: Identity; readonly stranger: Identity }
  readonly authority: Authority
  /** Messages for one recipient, once `count` have come or the time is over. */
  arrivalsFor(recipient: string, count: number, withinMs?: number): Promise<readonly Arrival[]>
  /** Applies a policy: what the cast has, changed by `change`. */
  applyPolicy(change?: (policy: Policy) => void): Promise<void>
  close(): Promise<void>
}

export type Policy = { customers: PolicyCustomer[] }
export type PolicyCustomer = {
  id: string
  name: string
  plan?: string
  domains: Record<string, unknown>[]
  sources: Record<string, unknown>[]
  grants: Record<string, unknown>[]
}

export type WorldOptions = {
  /** Merged into the configuration at its top level. */
  readonly configuration?: { readonly [key: string]: unknown }
  /** Instead of the built-in receiver: where everything is delivered to. */
  readonly deliverTo?: { readonly host: string; readonly port: number }
  /** Changes the policy of the cast before it is first applied. */
  readonly policy?: (policy: Policy) => void
  /** Leave the keys' records out of DNS. */
  readonly withoutKeys?: boolean
}

/** Builds a world in a temporary directory and starts the product in it, with the policy of the cast in force and its keys active. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-lab-'))
  const zone = castZone()
  const dns = await startDnsServer(zone)
  const receiver = await startReceiver({ zone, name: 'mx.receiver.example' })
  const authority = await createAuthority('Anechoic Lab Root')
  const identities = {
    provider: await authority.issue(['mail.protection.outlook.com']),
    erp: await authority.issue(['erp.acme.example'], { usages: ['clientAuth'] }),
    stranger: await authority.issue(['vps.stranger.example']),
  }
  const relayIdentity = await authority.issue(['relay.lab.example'])
  mkdirSync(directory, { recursive: true })
  for (const [name, text] of [
    ['ca.pem', authority.pem],
    ['cert.pem', relayIdentity.cert],
    ['key.pem', relayIdentity.key],
  ] as const) {
    writeFileSync(join(directory, name), text)
  }
  const to = options.deliverTo ?? { host: '127.0.0.1', port: receiver.port }
  const product = await startProduct(directory, {
    hostname: 'relay.lab.example',
    operator: { domain: 'relay.lab.example' },
    listeners: [
      {
        name: 'upstream',
        role: 'relay',
        host: '127.0.0.1',
        port: 0,
        auth: true,
        tls: { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') },
      },
    ],
    control: { host: '127.0.0.1', port: 0 },
    dns: { servers: [dns.address], timeoutMs: 500 },
    providers: {
      m365: { networks: [`${addresses.exchangeOnline}/32`], clientCertificate: { ca: join(directory, 'ca.pem') } },
    },
    delivery: { routes: [{ domain: '*', host: to.host, port: to.port, tls: 'opportunistic' }] },
    log: { level: 'info', format: 'json' },
    ...options.configuration,
  })
  const erpFingerprint = fingerprintOf(identities.erp)
  const world: World = {
    product,
    relay: { host: '127.0.0.1', port: product.smtpPort },
    exchangeOnline: createExchangeOnline({ address: addresses.exchangeOnline, identity: identities.provider }),
    receiver,
    zone,
    identities,
    authority,
    arrivalsFor: (recipient, count, withinMs) => arrivalsFor(receiver, recipient, count, withinMs),
    applyPolicy: (change) => applyPolicy(product, directory, erpFingerprint, change),
    close: () => close({ product, receiver, dns, directory }),
  }
  try {
    await world.applyPolicy(options.policy)
    if (options.withoutKeys !== true) await publishKeys(product, zone)
  } catch (error) {
    await world.close()
    throw error
  }
  return world
}

/** Puts every key's record into the zone and asks the product to look. */
export async function publishKeys(product: Product, zone: Zone): Promise<void> {
  const keys = (await product.json('keys', 'list')) as readonly {
    readonly record: { readonly name: string; readonly value: string }
  }[]
  for (const { record } of keys) zone[record.name] = { TXT: [record.value] }
  const checked = await product.cli('keys', 'check', '--json')
  const rows = JSON.parse(checked.out) as readonly {
    readonly domain: string
    readonly seen: boolean
    readonly because: string
  }[]
  const missing = rows.filter((row) => !row.seen)
  if (missing.length > 0) throw new Error(`keys without a record: ${JSON.stringify(missing)}`)
}

/** The policy of the cast, as a person would write it. */
export function castPolicy(erpFingerprint: string): Policy {
  const asserted = { proof: 'asserted', approvedBy: 'admin@relay.lab.example', reason: 'the lab' }
  const approval = { approvedBy: 'admin@acme.example', reason: 'first onboarding' }
  return {
    customers: [
      {
        id: 'acme',
        name: 'Acme Corp',
        domains: [
          { name: 'acme.example', ...asserted, signing: { algorithms: ['rsa', 'ed25519'] } },
          { name: 'acme-sales.example', ...asserted },
          { name: 'unproven.acme.example', proof: 'dns' },
        ],
        sources: [
          {
            id: 'acme-m365',
            kind: 'm365',
            tenant: acme.id,
            originators: ['acme.example', 'acme-sales.example'],
            initialDomain: acme.initialDomain,
            hybridHosts: [onPrem.listed],
          },
          { id: 'acme-crm', kind: 'smtp-auth', username: crm.username, passwordHash: passwordHash(crm.password) },
          { id: 'acme-erp', kind: 'mtls', fingerprints: [erpFingerprint] },
          { id: 'acme-plant', kind: 'network', networks: [`${addresses.plant}/32`] },
        ],
        grants: [
          {
            id: 'acme-mail',
            source: 'acme-m365',
            domains: ['acme.example'],
            classes: ['hosted', 'hybrid', 'notification'],
            ...approval,
          },
          {
            id: 'acme-crm',
            source: 'acme-crm',
            domains: ['acme.example'],
            classes: ['hosted', 'notification'],
            ...approval,
          },
          { id: 'acme-erp', source: 'acme-erp', domains: ['acme.example'], classes: ['hosted'], ...approval },
          {
            id: 'acme-plant',
            source: 'acme-plant',
            domains: ['acme.example'],
            classes: ['hosted', 'notification'],
            ...approval,
          },
        ],
      },
      {
        id: 'globex',
        name: 'Globex',
        domains: [{ name: 'globex.example', ...asserted }],
        sources: [
          {
            id: 'globex-m365',
            kind: 'm365',
            tenant: globex.id,
            originators: ['globex.example'],
            initialDomain: globex.initialDomain,
          },
        ],
        grants: [{ source: 'globex-m365', domains: ['globex.example'], classes: ['hosted'], ...approval }],
      },
      // A customer that has proved a domain and has not said yet who may send for it.
      { id: 'initech', name: 'Initech', domains: [{ name: 'initech.example', ...asserted }], sources: [], grants: [] },
    ],
  }
}

function castZone(): Zone {
  const zone: Zone = {
    'receiver.example': { MX: [{ preference: 10, exchange: 'mx.receiver.example' }] },
    'mx.receiver.example': { A: ['127.0.0.1'] },
  }
  for (const domain of ['acme.example', 'acme-sales.example', 'globex.example', 'initech.example']) {
    zone[domain] = { TXT: ['v=spf1 ip4:127.0.0.1 -all'] }
    zone[`_dmarc.${domain}`] = { TXT: ['v=DMARC1; p=reject'] }
  }
  return zone
}

async function applyPolicy(
  product: Product,
  directory: string,
  erpFingerprint: string,
  change?: (policy: Policy) => void,
): Promise<void> {
  const policy = castPolicy(erpFingerprint)
  change?.(policy)
  const file = join(directory, 'policy.yaml')
  writeFileSync(file, stringify(policy))
  const printed = await product.cli('apply', file, '--yes')
  if (printed.code !== 0) throw new Error(`the policy was not taken: ${printed.err}`)
}

async function arrivalsFor(
  receiver: Receiver,
  recipient: string,
  count: number,
  withinMs = 5000,
): Promise<readonly Arrival[]> {
  const mine = (): readonly Arrival[] => receiver.arrivals.filter((arrival) => arrival.recipients.includes(recipient))
  const deadline = Date.now() + withinMs
  while (mine().length < count && Date.now() < deadline)
    await receiver.waitFor(receiver.arrivals.length + 1, Math.min(deadline - Date.now(), 100))
  return mine()
}

async function close(parts: {
  readonly product: Product
  readonly receiver: Receiver
  readonly dns: DnsServer
  readonly directory: string
}): Promise<void> {
  await parts.product.stop()
  await parts.receiver.close()
  await parts.dns.close()
  rmSync(parts.directory, { recursive: true, force: true })
}

function fingerprintOf(identity: Identity): string {
  return `sha256:${createHash('sha256').update(new X509Certificate(identity.cert).raw).digest('hex')}`
}

/** A PHC string as the policy holds it; the cost is the least that argon2id allows, since the lab signs in often. */
function passwordHash(password: string): string {
  const nonce = randomBytes(16)
  const tag = argon2Sync('argon2id', {
    message: password,
    nonce,
    parallelism: 1,
    tagLength: 32,
    memory: 8192,
    passes: 2,
  })
  const text = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=8192,t=2,p=1$${text(nonce)}$${text(tag)}`
}
