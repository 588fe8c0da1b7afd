import type { PolicySnapshot, Source } from '../../rooms/registry/index.ts'
import type { Session } from '../ingress/index.ts'
import type { CertificateVerifier } from './certificate/certificate-verifier.ts'
import { fingerprintOf, isProviderCertificate } from './certificate/fingerprint.ts'
import type { ConnectionProof, SourceRef } from './evidence.ts'
import type { AddressProof, ProviderNetworks } from './networks/provider-networks.ts'
import type { ReverseDns } from './reverse-dns.ts'
import { verified } from './verified.ts'

/** What proves a connection, besides the policy. */
export type Provers = {
  readonly networks: ProviderNetworks
  readonly certificates: CertificateVerifier
  readonly reverse: ReverseDns
  readonly fcrdns: 'off' | 'prefer' | 'require'
}

/**
 * Whom the connection proves. The address comes first: one in a provider's list is only ever that provider's kind of source, whatever
 * account or certificate comes with it, since whoever can send through the provider can bring those along. `policy` is null when it
 * cannot be had; `now` is in milliseconds since the epoch.
 */
export async function proveConnection(
  provers: Provers,
  session: Session,
  policy: PolicySnapshot | null,
  now: number,
): Promise<ConnectionProof> {
  const place = provers.networks.lookup(session.client.address)
  switch (place.kind) {
    case 'm365':
      return proveM365(provers, session, place, now)
    case 'google':
      return { kind: 'google', network: verified(place.network, 'address-list') }
    case 'shared':
      if (place.providersOwn)
        return unproven(`${session.client.address} is in ${place.range.name}, which proves no source`)
      return proveParty(session, policy, now, place)
    case 'nobody':
      return proveParty(session, policy, now, place)
    default:
      return place satisfies never
  }
}

/** Address and certificate together prove Microsoft 365: either alone can be had by others. */
async function proveM365(
  { certificates, reverse, fcrdns }: Provers,
  session: Session,
  place: Extract<AddressProof, { kind: 'm365' }>,
  now: number,
): Promise<ConnectionProof> {
  if (session.tls === null) return unproven("the address is Microsoft 365's, but the connection is not under TLS")
  const certificate = certificates.verify(session.tls.clientChain, now)
  if (certificate.kind === 'fail') return unproven(`the address is Microsoft 365's, but ${certificate.because}`)
  const reversed = fcrdns === 'off' ? 'off' : await reverse.check(session.client.address, now)
  if (fcrdns === 'require' && reversed === 'unavailable') {
    return { kind: 'lookup-failed', because: `the reverse name of ${session.client.address} cannot be looked up now` }
  }
  if (fcrdns === 'require' && reversed === 'fail') {
    return unproven(`${session.client.address} has no forward-confirmed reverse name of Microsoft 365`)
  }
  return {
    kind: 'm365',
    network: verified(place.network, 'address-list'),
    certificate: verified(certificate.name, 'client-certificate'),
    relayPool: place.relayPool,
    fcrdns: reversed,
  }
}

/** A source of one party: its account, else its certificate, else its address. */
function proveParty(
  session: Session,
  policy: PolicySnapshot | null,
  now: number,
  place: Extract<AddressProof, { kind: 'shared' | 'nobody' }>,
): ConnectionProof {
  if (policy === null) return { kind: 'lookup-failed', because: 'the policy cannot be had' }
  return proveAccount(session, policy) ?? proveCertificate(session, policy) ?? proveAddress(session, policy, now, place)
}

/** An account that was signed in speaks for the session; when it is listed no more, nothing else takes its place. */
function proveAccount({ account }: Session, policy: PolicySnapshot): ConnectionProof | null {
  if (account === null) return null
  const source = policy.accountSource(account)
  if (source === null) return unproven('the account that signed in is listed no more')
  return { kind: 'smtp-auth', account: verified(account, 'account'), source: refTo(source) }
}

/** The handshake proves that the client holds the key of the leaf; the policy names the leaf itself, so no chain is asked for. */
function proveCertificate({ tls }: Session, policy: PolicySnapshot): ConnectionProof | null {
  const leaf = tls?.clientChain[0]
  if (leaf === undefined) return null
  const fingerprint = fingerprintOf(leaf)
  const source = policy.fingerprintSource(fingerprint)
  if (source === null || isProviderCertificate(leaf)) return null
  return { kind: 'mtls', fingerprint: verified(fingerprint, 'client-certificate'), source: refTo(source) }
}

function proveAddress(
  { client, tls }: Session,
  policy: PolicySnapshot,
  now: number,
  place: Extract<AddressProof, { kind: 'shared' | 'nobody' }>,
): ConnectionProof {
  const source = policy.networkSource(client.address, now)
  if (source !== null && place.kind === 'nobody') {
    return { kind: 'network', address: verified(client.address, 'listed-address'), source: refTo(source) }
  }
  // Policies are checked against the shared ranges when they are written; a range that grew later must not leave an old entry in force.
  if (place.kind === 'shared') return unproven(`${client.address} is in ${place.range.name}, a shared sending range`)
  const certificate =
    tls?.clientChain[0] === undefined ? 'no client certificate' : 'a client certificate that is not listed'
  return unproven(
    `${client.address} is in no provider's list and in no listed network, with no account and ${certificate}`,
  )
}

function refTo(source: Source): SourceRef {
  return { customer: source.customer, source: source.id }
}

function unproven(because: string): ConnectionProof {
  return { kind: 'unproven', because }
}
