import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DnsServer, startDnsServer } from '../world/dns-server.ts'
import { freePort } from '../world/free-port.ts'
import { type Product, startProduct } from '../world/product.ts'
import { publishKeys } from '../world/world.ts'
import type { Zone } from '../world/zone.ts'

/** One customer, one listed network, one destination: the least in which mail is signed and delivered. */
export type SmallWorld = {
  readonly host: string
  readonly smtpPort: number
  readonly product: () => Product
  readonly zone: Zone
  readonly policyFile: string
  readonly dataDir: string
  /** Starts the product again in the same directory, on the same ports. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** The address of the listed source. */
export const plant = '127.0.0.10'

export type SmallWorldOptions = {
  readonly deliverToPort: number
  readonly algorithms?: readonly string[]
  readonly retryFirst?: string
  /** The address of the listed source; `plant` unless it is given. */
  readonly source?: string
  /** Where everything is kept, left there at the end; a new temporary directory unless it is given. */
  readonly directory?: string
  /** Configuration in place of, or besides, the usual. */
  readonly configuration?: { readonly [key: string]: unknown }
  /** Added to the environment of the product. */
  readonly environment?: NodeJS.ProcessEnv
}

export async function createSmallWorld(options: SmallWorldOptions): Promise<SmallWorld> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'anechoic-drill-'))
  const zone: Zone = {
    'acme.example': { TXT: ['v=spf1 ip4:127.0.0.1 -all'] },
    '_dmarc.acme.example': { TXT: ['v=DMARC1; p=reject'] },
  }
  const dns = await startDnsServer(zone)
  const ports = { smtp: await freePort(), http: await freePort() }
  const configuration = { ...configurationFor(ports, dns, options), ...options.configuration }
  const start = (): Promise<Product> => startProduct(directory, configuration, options.environment)
  const policyFile = join(directory, 'policy.yaml')
  let product: Product | null = null
  const close = async (): Promise<void> => {
    await product?.stop()
    await dns.close()
    if (options.directory === undefined) rmSync(directory, { recursive: true, force: true })
  }
  try {
    product = await start()
    writeFileSync(policyFile, policyText(options.algorithms ?? ['rsa'], options.source ?? plant))
    const applied = await product.cli('apply', policyFile)
    if (applied.code !== 0) throw new Error(applied.err)
    await publishKeys(product, zone)
  } catch (error) {
    await close()
    throw new Error(`the world could not be built; the product said:\n${product?.log() ?? 'nothing'}`, { cause: error })
  }
  let running = product
  return {
    host: '127.0.0.1',
    smtpPort: ports.smtp,
    product: () => running,
    zone,
    policyFile,
    dataDir: join(directory, 'data'),
    restart: async () => {
      product = running = await start()
    },
    close,
  }
}

type Ports = { readonly smtp: number; readonly http: number }

function configurationFor(
  ports: Ports,
  dns: DnsServer,
  options: SmallWorldOptions,
): { readonly [key: string]: unknown } {
  return {
    hostname: 'relay.lab.example',
    listeners: [{ name: 'upstream', host: '127.0.0.1', port: ports.smtp }],
    control: { host: '127.0.0.1', port: ports.http },
    dns: { servers: [dns.address], timeoutMs: 500 },
    delivery: {
      routes: [{ domain: '*', host: '127.0.0.1', port: options.deliverToPort }],
      retry: retryEverySecond(options.retryFirst),
    },
  }
}

/** Retries that a drill can wait for. */
export function retryEverySecond(first = '1s'): { readonly [key: string]: unknown } {
  return { first, factor: 1, max: '1s', giveUpAfter: '5d' }
}

function policyText(algorithms: readonly string[], source: string): string {
  return `customers:
  - id: acme
    name: Acme Corp
    domains:
      - { name: acme.example, proof: asserted, approvedBy: admin@relay.lab.example, reason: the drill, signing: { algorithms: [${algorithms.join(', ')}] } }
    sources:
      - { id: plant, kind: network, networks: [${source}/32] }
    grants:
      - { source: plant, domains: [acme.example], classes: [hosted, notification], approvedBy: admin@acme.example, reason: the drill,
          limits: { messagesPerHour: 1000000, messagesPerDay: 1000000, recipientsPerHour: 1000000, recipientsPerDay: 1000000 } }
`
}
