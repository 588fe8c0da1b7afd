import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DnsServer, startDnsServer } from '../../world/dns-server.ts'
import { type Product, startProduct } from '../../world/product.ts'
import { cpuOf } from '../cpu.ts'
import { Alone } from './alone-client.ts'
import { operator } from './prepared.ts'

/** The product over a data directory that was filled beforehand. */
export type GrownProduct = {
  readonly product: Product
  readonly customers: number
  readonly dataDir: string
  /** From the start of the program until it takes mail. */
  readonly startMs: number
  /** What all its processes used until then. */
  readonly startCpuMs: number
  stop(): Promise<void>
}

/** A registry of so many customers and a key for each of their domains, in a directory that whoever takes it removes. */
export type Prepared = { readonly customers: number; readonly directory: string; readonly dataDir: string }

export async function prepare(customers: number): Promise<Prepared> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-growth-'))
  const dataDir = join(directory, 'data')
  const alone = new Alone()
  try {
    await alone.prepare(customers, dataDir)
  } finally {
    alone.end()
  }
  return { customers, directory, dataDir }
}

/** Delivers all to that port. The directory is its own then. */
export async function startGrownTo(prepared: Prepared, sinkPort: number): Promise<GrownProduct> {
  const dns: DnsServer = await startDnsServer({})
  const grown = await startGrown(prepared, {
    dns: { servers: [dns.address], timeoutMs: 500 },
    delivery: { routes: [{ domain: '*', host: '127.0.0.1', port: sinkPort }] },
  })
  return {
    ...grown,
    stop: async () => {
      await grown.stop()
      await dns.close()
    },
  }
}

/** Where it asks DNS, and how it delivers, is the caller's. The directory is its own then. */
export async function startGrown(
  { customers, directory, dataDir }: Prepared,
  world: { readonly dns: object; readonly delivery: object },
): Promise<GrownProduct> {
  const began = performance.now()
  const product = await startProduct(directory, {
    hostname: operator,
    listeners: [{ name: 'upstream', host: '127.0.0.1', port: 0 }],
    control: { port: 0 },
    ...world,
    limits: { maxConnectionsPerClient: 2000 },
  })
  const startMs = performance.now() - began
  const startCpuMs = cpuOf([{ pid: product.pid, name: 'supervisor' }]).total / 1000
  // Whatever ends this process must not leave a product behind.
  const leave = (): void => {
    process.kill(product.pid, 'SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
  process.once('exit', leave)
  return {
    product,
    customers,
    dataDir,
    startMs,
    startCpuMs,
    stop: async () => {
      process.off('exit', leave)
      await product.stop()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Lets the highest memory of a process begin anew (proc(5), clear_refs). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
}

export type Resident = { readonly now: number; readonly peak: number }

/** Resident memory of each process of the product, now and at its highest, in megabytes. */
export function memoryByName({ product }: GrownProduct): ReadonlyMap<string, Resident> {
  return new Map(product.processes().map(({ pid, name }) => [name, residentOf(pid)]))
}

export function relayOf({ product }: GrownProduct): number {
  const relay = product.processes().find((one) => one.name === 'relay')
  if (relay === undefined) throw new Error('the relay is away')
  return relay.pid
}

/** Resident memory of one process, in megabytes. */
export function residentOf(pid: number): Resident {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  const megabytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024
  return { now: megabytes('VmRSS'), peak: megabytes('VmHWM') }
}
