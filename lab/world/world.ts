import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { stringify } from 'yaml'
import { acme, addresses, globex, lookalike, spammer } from './cast.ts'
import { type Policy, castPolicy } from './cast-policy.ts'
import { type Authority, type Identity, createAuthority } from './certificates.ts'
import { type DnsServer, startDnsServer } from './dns-server.ts'
import { type ExchangeOnline, createExchangeOnline } from './exchange-online.ts'
import { type GoogleRelay, createGoogleRelay } from './google-relay.ts'
import { type Printed, type Product, startProduct } from './product.ts'
import { mustStayOnLoopback } from './loopback.ts'
import { freePort } from './free-port.ts'
import { type MicrosoftLogin, startMicrosoftLogin } from './microsoft-login.ts'
import { type Arrival, type Receiver, startReceiver } from './receiver.ts'
import type { Zone } from './zone.ts'

/** Everything that a story can touch: the product, the clouds around it, and the receiver at the end. */
export type World = {
  readonly product: Product
  readonly relay: { readonly host: string; readonly port: number }
  /** Where reports about its mail come back; null in a world without a feedback listener. */
  readonly feedback: { readonly host: string; readonly port: number } | null
  readonly exchangeOnline: ExchangeOnline
  /** Tells which tenant a domain belongs to. */
  readonly microsoftLogin: MicrosoftLogin
  readonly google: GoogleRelay
  readonly receiver: Receiver
  readonly zone: Zone
  readonly identities: { readonly provider: Identity; readonly erp: Identity; readonly stranger: Identity }
  readonly authority: Authority
  /** Messages for one recipient, once `count` have come or the time is over. */
  arrivalsFor(recipient: string, count: number, withinMs?: number): Promise<readonly Arrival[]>
  /** Applies a policy: what the cast has, changed first by the world's own `policy` and then by `change`. It is live when this resolves. */
  applyPolicy(change?: (policy: Policy) => void): Promise<void>
  /** Asks what the product would say of such a policy, and applies nothing. */
  tryPolicy(change: (policy: Policy) => void): Promise<Printed>
  close(): Promise<void>
}

export type WorldOptions = {
  /** Merged into the configuration, mapping by mapping; a list replaces the list that was there. */
  readonly configuration?: Configuration
  /** Instead of the built-in receiver: where everything is delivered to. */
  readonly deliverTo?: { readonly host: string; readonly port: number }
  /** Adds a feedback listener. */
  readonly feedback?: boolean
  /** Changes the policy of the cast before it is first applied. */
  readonly policy?: (policy: Policy) => void
  /** Domains whose keys have no record in DNS yet; `true` means all. */
  readonly withoutKeys?: true | readonly string[]
}

type Configuration = { readonly [key: string]: unknown }

/** Builds a world in a temporary directory and starts the product in it, with the policy of the cast in force and its keys active. */
export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-lab-'))
  const zone = castZone()
  const dns = await startDnsServer(zone)
  const receiver = await startReceiver({ zone, name: 'mx.receiver.example' })
  const microsoftLogin = await startMicrosoftLogin([acme, globex, spammer, lookalike])
  const stopAll = async (product: Product | null): Promise<void> => {
    await product?.stop()
    await receiver.close()
    await dns.close()
    await microsoftLogin.close()
    rmSync(directory, { recursive: true, force: true })
  }
  let product: Product | null = null
  try {
    const authority = await createAuthority('Anechoic Lab Root')
    const identities = {
      provider: await authority.issue(['mail.protection.outlook.com']),
      erp: await authority.issue(['erp.acme.example'], { usages: ['clientAuth'] }),
      stranger: await authority.issue(['vps.stranger.example']),
    }
    await writeIdentity(directory, authority)
    const to = options.deliverTo ?? { host: '127.0.0.1', port: receiver.port }
    const feedback = options.feedback === true ? { host: '127.0.0.1', port: await freePort() } : null
    const base = configurationOf(directory, dns, microsoftLogin, to, feedback)
    const configuration = merged(base, options.configuration ?? {})
    mustStayOnLoopback(configuration)
    product = await startProduct(directory, configuration)
    const world = worldOf({
      product,
      feedback,
      directory,
      zone,
      microsoftLogin,
      receiver,
      authority,
      identities,
      options,
      stopAll,
    })
    await world.applyPolicy()
    if (options.withoutKeys !== true) await publishKeys(product, zone, options.withoutKeys)
    return world
  } catch (error) {
    await stopAll(product)
    throw new Error(`the world could not be built; the product said:\n${product?.log() ?? 'nothing'}`, { cause: error })
  }
}

function worldOf(parts: {
  readonly product: Product
  readonly feedback: World['feedback']
  readonly directory: string
  readonly zone: Zone
  readonly microsoftLogin: MicrosoftLogin
  readonly receiver: Receiver
  readonly authority: Authority
  readonly identities: World['identities']
  readonly options: WorldOptions
  readonly stopAll: (product: Product) => Promise<void>
}): World {
  const { product, directory, zone, microsoftLogin, receiver, authority, identities, options } = parts
  const policyWith = (change?: (policy: Policy) => void): string => {
    const policy = castPolicy(identities.erp)
    options.policy?.(policy)
    change?.(policy)
    const file = join(directory, 'policy.yaml')
    writeFileSync(file, stringify(policy))
    return file
  }
  return {
    product,
    relay: { host: '127.0.0.1', port: product.smtpPort },
    feedback: parts.feedback,
    exchangeOnline: createExchangeOnline({ address: addresses.exchangeOnline, identity: identities.provider, zone }),
    microsoftLogin,
    google: createGoogleRelay({ address: addresses.google, zone }),
    receiver,
    zone,
    identities,
    authority,
    arrivalsFor: (recipient, count, withinMs) => arrivalsFor(receiver, recipient, count, withinMs),
    applyPolicy: async (change) => {
      const printed = await product.cli('apply', policyWith(change), '--yes')
      if (printed.code !== 0) throw new Error(`the policy was not taken: ${printed.err}`)
      await sleep(untilLive)
    },
    tryPolicy: (change) => product.cli('apply', policyWith(change), '--dry-run'),
    close: () => parts.stopAll(product),
  }
}

async function writeIdentity(directory: string, authority: Authority): Promise<void> {
  const relayIdentity = await authority.issue(['relay.lab.example'])
  writeFileSync(join(directory, 'ca.pem'), authority.pem)
  writeFileSync(join(directory, 'cert.pem'), relayIdentity.cert)
  writeFileSync(join(directory, 'key.pem'), relayIdentity.key)
}

function configurationOf(
  directory: string,
  dns: DnsServer,
  login: MicrosoftLogin,
  to: { readonly host: string; readonly port: number },
  feedback: World['feedback'],
): Configuration {
  return {
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
      ...(feedback === null ? [] : [{ name: 'reports', role: 'feedback', ...feedback }]),
    ],
    feedback: { addresses: ['fbl@reports.lab.example'] },
    control: { host: '127.0.0.1', port: 0 },
    dns: { servers: [dns.address], timeoutMs: 500 },
    providers: {
      m365: {
        networks: [`${addresses.exchangeOnline}/32`],
        clientCertificate: { ca: join(directory, 'ca.pem') },
        login: login.url,
      },
      google: { networks: [`${addresses.google}/32`] },
    },
    delivery: { routes: [{ domain: '*', host: to.host, port: to.port, tls: 'opportunistic' }] },
    log: { level: 'info', format: 'json' },
  }
}

function merged(base: Configuration, over: Configuration): Configuration {
  const result: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const known = result[key]
    result[key] = isMapping(known) && isMapping(value) ? merged(known, value) : value
  }
  return result
}

function isMapping(value: unknown): value is Configuration {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** A change of policy is live within one second on one machine; in milliseconds. */
const untilLive = 1000

/** Puts every key's record into the zone, except for some domains, and asks the product to look. */
export async function publishKeys(product: Product, zone: Zone, except: readonly string[] = []): Promise<void> {
  const { operations } = product
  for (const { domain, record } of await operations.keys())
    if (!except.includes(domain)) zone[record.name] = { TXT: [record.value] }
  const missing = (await operations.checkKeys()).filter((row) => !row.seen && !except.includes(row.domain))
  if (missing.length > 0) throw new Error(`keys without a record: ${JSON.stringify(missing)}`)
  await sleep(untilLive)
}

/** Domains with SPF and DMARC records, those of the cast and of the worlds in which Acme has more. */
const castDomains = 'acme acme-sales globex initech dkim arc soft'.split(' ').map((name) => `${name}.example`)

function castZone(): Zone {
  const zone: Zone = {
    'receiver.example': { MX: [{ preference: 10, exchange: 'mx.receiver.example' }] },
    'mx.receiver.example': { A: ['127.0.0.1'] },
  }
  for (const domain of castDomains) {
    // Initech's record is as wide as a cloud's: the rented server is in it.
    const who = domain === 'initech.example' ? 'ip4:127.0.0.0/25' : 'ip4:127.0.0.1'
    zone[domain] = { TXT: [`v=spf1 ${who} -all`] }
    zone[`_dmarc.${domain}`] = { TXT: ['v=DMARC1; p=reject'] }
  }
  return zone
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
