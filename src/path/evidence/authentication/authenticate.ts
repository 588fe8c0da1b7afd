import type { Clock } from '../../../platform/clock.ts'
import { type Resolver, isDnsTrouble } from '../../../platform/dns.ts'
import { type ArcResult, openArcVerification } from '../../../standards/arc/index.ts'
import {
  BodyHashes,
  type KeyAnswer,
  type KeyAnswers,
  type KeyNeed,
  type SignatureResult,
  openDkimVerification,
} from '../../../standards/dkim/index.ts'
import { isAskable } from '../../../standards/dns/inquiry.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import type { HeaderSection } from '../../../standards/message/header-section.ts'
import { type DmarcVerdict, verifyDmarc } from './dmarc.ts'
import { cutMessage } from './message.ts'
import { type Peer, type SpfVerdict, verifySpf } from './spf.ts'

/** What the world must tell a check. */
export type World = {
  readonly resolver: Resolver
  /** `now` is what signatures and explanations are judged by; `steady` is how long the check may take. */
  readonly clock: Clock
  /** Our own name for SPF's explanations; null: none is asked for. */
  readonly receiver: string | null
}

export type Authentication = {
  readonly spf: SpfVerdict
  /** Top signature first; empty: there is none. */
  readonly dkim: readonly SignatureResult[]
  readonly arc: ArcResult
  readonly dmarc: DmarcVerdict
}

/** RFC 7208 §4.6.4 wants a limit on the time of a check of at least 20 seconds. Past it, DNS counts as silent. */
const patienceMs = 20_000

/** SPF, DKIM, ARC and DMARC of one message with CRLF line ends. `peer` null: it is not known who handed it over. */
export async function authenticate(message: Buffer, peer: Peer | null, world: World): Promise<Authentication> {
  const bounded = { ...world, resolver: patient(world.resolver, world.clock) }
  const { section, body } = cutMessage(message)
  const [spf, { dkim, arc }] = await Promise.all([
    authenticatePeer(peer, bounded),
    isSyntaxFault(section) ? unreadable : verifySignatures(section, body, bounded),
  ])
  return { spf, dkim, arc, dmarc: await verifyDmarc(section, spf, dkim, bounded.resolver) }
}

/** SPF alone, for who has no message. */
export function authenticatePeer(peer: Peer | null, world: World): Promise<SpfVerdict> {
  if (peer === null)
    return Promise.resolve({ result: 'none', problem: null, explanation: null, scope: 'mfrom', domain: null })
  return verifySpf(peer, patient(world.resolver, world.clock), world.clock.now(), world.receiver)
}

const unreadable: Pick<Authentication, 'dkim' | 'arc'> = {
  dkim: [],
  arc: { result: 'none', reason: 'there is no header section that can be read', temporary: false, sets: [] },
}

async function verifySignatures(
  section: HeaderSection,
  body: Buffer,
  { resolver, clock }: World,
): Promise<Pick<Authentication, 'dkim' | 'arc'>> {
  const bodies = new BodyHashes()
  const dkim = openDkimVerification(section, bodies)
  const arc = openArcVerification(section, bodies)
  const keys = fetchKeys([...dkim.needs, ...arc.needs], resolver)
  if (bodies.needBody) bodies.update(body)
  const circumstances = { keys: await keys, now: Math.floor(clock.now() / 1000) }
  return { dkim: dkim.conclude(circumstances), arc: arc.conclude(circumstances) }
}

async function fetchKeys(needs: readonly KeyNeed[], resolver: Resolver): Promise<KeyAnswers> {
  const names = [...new Set(needs.map(({ name }) => name))]
  return new Map(
    await Promise.all(names.map(async (name): Promise<[string, KeyAnswer]> => [name, await fetchKey(name, resolver)])),
  )
}

async function fetchKey(name: string, resolver: Resolver): Promise<KeyAnswer> {
  if (!isAskable(name)) return { kind: 'absent' }
  const answer = await resolver.ask('TXT', name)
  if (isDnsTrouble(answer)) return { kind: 'unavailable' }
  const { records } = answer
  return records.length === 0 ? { kind: 'absent' } : { kind: 'found', records }
}

function patient(resolver: Resolver, clock: Clock): Resolver {
  const steady = () => clock.steady?.() ?? clock.now()
  const end = steady() + patienceMs
  return {
    ask: (type, name) =>
      steady() < end ? resolver.ask(type, name) : Promise.resolve({ trouble: 'timeout', name } as const),
  }
}
