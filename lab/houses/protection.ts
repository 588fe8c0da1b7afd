import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type House, type HouseOptions, type Workshop, openHouse } from './delivery.ts'
import { type Script, type ScriptedReceiver, startScriptedReceiver } from '../peers/scripted-receiver.ts'
import { type Authority, createAuthority } from '../world/certificates.ts'
import { type DnsServer, startDnsServer } from '../world/dns-server.ts'
import { type PolicyServer, policyFile, startPolicyServer } from '../world/policy-server.ts'
import type { Dns, Resolver } from '../../src/platform/dns.ts'
import { cachedDns } from '../../src/platform/dns-system.ts'
import { type OpenProtections, openProtections } from '../../src/path/delivery/protection/open-protections.ts'
import { defaultDelivery } from '../../src/path/delivery/settings.ts'
import { type TlsStore, openTlsStore } from '../../src/path/delivery/protection/tls-store.ts'

/** A receiver of dest.example with TLS, its policy server, and DNS that names both: the world as protections see it. */
export type Scene = {
  readonly house: House
  readonly receiver: ScriptedReceiver
  readonly authority: Authority
  readonly dns: DnsServer
  readonly policies: PolicyServer
  readonly protections: OpenProtections
  readonly store: TlsStore
  readonly resolver: Dns & Resolver
  readonly directory: string
  close(): Promise<void>
}

export type SceneOptions = {
  /** Names in the receiver's certificate; its host is mx.dest.example. */
  readonly names?: readonly string[]
  readonly notAfter?: Date
  /** Issues the receiver's certificate instead of the authority that is believed. */
  readonly issuer?: Authority
  /** Null: the receiver offers no TLS. */
  readonly tls?: null
  readonly script?: Omit<Script, 'tls'>
  readonly policy?: string
  /** Whether answers bear the AD bit. */
  readonly authentic?: boolean
  /** Of the receiver's port. */
  readonly tlsa?: (leaf: string, authority: Authority) => readonly string[]
  readonly directory?: string
  readonly house?: HouseOptions
}

export const enforce = 'version: STSv1\nmode: enforce\nmx: mx.dest.example\nmax_age: 86400\n'

export async function openScene(workshop: Workshop, options: SceneOptions = {}): Promise<Scene> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'anechoic-protection-'))
  const authority = await createAuthority('Root of the Test')
  const identity = await (options.issuer ?? authority).issue(
    options.names ?? ['mx.dest.example'],
    options.notAfter === undefined ? {} : { notAfter: options.notAfter },
  )
  const receiver = await startScriptedReceiver({
    ...options.script,
    ...(options.tls === null
      ? {}
      : { tls: { ...identity, cert: `${identity.cert}\n${(options.issuer ?? authority).pem}` } }),
  })
  const policyIdentity = await authority.issue(['mta-sts.dest.example', 'reports.dest.example'])
  const policies = await startPolicyServer(policyIdentity, policyFile(options.policy ?? ''))
  const ad = options.authentic === true ? { authentic: true } : {}
  const dns = await startDnsServer({
    'dest.example': { MX: [{ preference: 10, exchange: 'mx.dest.example' }], ...ad },
    'mx.dest.example': { A: ['127.0.0.1'], ...ad },
    [`_${receiver.port}._tcp.mx.dest.example`]: {
      TLSA: [...(options.tlsa?.(identity.cert, authority) ?? [])],
      ...ad,
    },
    'mta-sts.dest.example': { A: ['127.0.0.1'] },
    'reports.dest.example': { A: ['127.0.0.1'] },
    ...(options.policy === undefined ? {} : { '_mta-sts.dest.example': { TXT: ['v=STSv1; id=1;'] } }),
  })
  const ahead = { of: () => 0 }
  const clock = { now: () => Date.now() + ahead.of(), steady: () => performance.now() }
  const resolver = cachedDns([dns.address], 1000, clock)
  const store = await openTlsStore(directory)
  const protections = openProtections({
    validating: resolver,
    dns: resolver,
    store,
    mtaStsPort: policies.port,
    roots: [authority.pem],
    clock,
    log: quiet,
  })
  const house = await openHouse(workshop, {
    dns: resolver,
    protections,
    ...options.house,
    settings: {
      port: receiver.port,
      tlsRoots: [authority.pem],
      timeouts: defaultDelivery.timeouts,
      ...options.house?.settings,
    },
  })
  ahead.of = () => house.world.ahead
  return {
    house,
    receiver,
    authority,
    dns,
    policies,
    protections,
    store,
    resolver,
    directory,
    close: async () => {
      await house.close()
      await Promise.all([receiver.close(), policies.close(), dns.close()])
      await store.destroy()
      if (options.directory === undefined) rmSync(directory, { recursive: true })
    },
  }
}

const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => quiet }

function nothing(): void {}
