import type { Clock } from '../../platform/clock.ts'
import type { Dns } from '../../platform/dns.ts'
import type { Log } from '../../platform/log.ts'
import type { PolicySnapshot } from '../../rooms/registry/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { Network } from '../../standards/names/ip.ts'
import type { Secret } from '../../standards/secret.ts'
import type { Session } from '../ingress/index.ts'
import { PasswordVerifier } from './account/password.ts'
import { loadAuthorities } from './certificate/authorities.ts'
import { CertificateVerifier } from './certificate/certificate-verifier.ts'
import type { Evidence, LockEvidence } from './evidence.ts'
import { type Occasion, gatherEvidence } from './gather.ts'
import { type NetworkStatus, ProviderNetworks } from './networks/provider-networks.ts'
import { type OwnMail, evidenceOfOurOwn } from './own.ts'
import { OwnerLocks } from './owner-locks.ts'
import { ReverseDns } from './reverse-dns.ts'

/** The slice of the configuration that this room reads. null networks: the built-in list. */
export type EvidenceOptions = {
  readonly providers: {
    readonly m365: {
      readonly networks: readonly Network[] | null
      readonly clientCertificate: { readonly names: readonly string[]; readonly ca: string }
      readonly fcrdns: 'off' | 'prefer' | 'require'
    }
    readonly google: { readonly networks: readonly Network[] | null }
  }
  readonly limits: { readonly maxHeaderBytes: number; readonly maxHeaderFields: number }
  readonly dns: Dns
  readonly clock: Clock
  readonly log: Log
}

/** Turns what ingress saw into facts, each with how it was checked. It decides nothing. */
export type EvidenceRoom = {
  /** A whole message at the end of data. */
  gather(occasion: Omit<Occasion, 'fault'>): Promise<Evidence>
  /** What is known before there is a message, or when ingress refused it. */
  gatherAtMail(occasion: Omit<Occasion, 'message'>): Promise<Evidence>
  /** A notification that we wrote ourselves. */
  ofOurOwn(own: { readonly operator: Domain; readonly own: OwnMail }): Evidence
  /** What the owner of a locked domain allows, without waiting: null when it was not read lately, and then it is being read. */
  lockNow(domain: Domain): LockEvidence | null
  /** Whether the password is that of a listed account. An unknown account takes as long as a wrong password. */
  verifyPassword(attempt: SignIn): Promise<boolean>
  /** Reads Exchange Online's published address list and takes it if it is plausible; says in the log what changed or why not. */
  refreshNetworks(): Promise<void>
  /** Loads what the first proof would else wait for. */
  warmUp(): void
  networks(): NetworkStatus
}

export type SignIn = {
  readonly session: Session
  readonly username: string
  readonly password: Secret<string>
  readonly policy: PolicySnapshot
}

/** @throws when the authorities cannot be read: without them no provider could be proven, and every message would be refused. */
export function openEvidence({ providers, limits, dns, clock, log }: EvidenceOptions): EvidenceRoom {
  const { clientCertificate, fcrdns } = providers.m365
  const networks = new ProviderNetworks({ m365: providers.m365.networks, google: providers.google.networks })
  const authorities = loadAuthorities(clientCertificate.ca)
  const provers = {
    networks,
    certificates: new CertificateVerifier(clientCertificate.names, authorities),
    reverse: new ReverseDns(dns),
    fcrdns,
  }
  const headerLimits = { maxBytes: limits.maxHeaderBytes, maxFields: limits.maxHeaderFields }
  const tools = { provers, limits: headerLimits, dns }
  const passwords = new PasswordVerifier()
  const locks = new OwnerLocks(dns)
  return {
    gather: async (occasion) =>
      locks.added(await gatherEvidence(tools, { ...occasion, fault: null }), occasion.policy, occasion.now),
    gatherAtMail: (occasion) => gatherEvidence(tools, { ...occasion, message: null }),
    ofOurOwn: ({ operator, own }) => evidenceOfOurOwn(operator, own),
    lockNow: (domain) => locks.current(domain, clock.now()),
    verifyPassword: ({ username, password, policy }) =>
      passwords.verify(policy.accountSource(username)?.passwordHash ?? null, password, clock.now()),
    refreshNetworks: () => refreshNetworks(networks, dns, clock, log),
    warmUp: () => void authorities.count,
    networks: () => networks.status(clock.now()),
  }
}

async function refreshNetworks(networks: ProviderNetworks, dns: Dns, clock: Clock, log: Log): Promise<void> {
  if (networks.isConfigured) return
  const refresh = await networks.refresh(dns, clock.now())
  const { asOf, stale } = networks.status(clock.now())
  if (refresh.kind === 'changed') log.warn('the address list of Microsoft 365 has changed', refresh)
  if (refresh.kind !== 'kept') return
  const fields = { because: refresh.because, asOf: new Date(asOf).toISOString() }
  if (stale) log.warn('the address list of Microsoft 365 is old and was not refreshed', fields)
  else log.info('the address list of Microsoft 365 stays as it is', fields)
}
