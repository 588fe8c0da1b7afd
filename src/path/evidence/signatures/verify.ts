import { setImmediate as breath } from 'node:timers/promises'
import type { Dns } from '../../../platform/dns.ts'
import { type ArcResult, openArcVerification } from '../../../standards/arc/index.ts'
import { BodyHashes, type KeyNeed, type SignatureResult, openDkimVerification } from '../../../standards/dkim/index.ts'
import type { HeaderSection } from '../../../standards/message/header-section.ts'
import type { ReceivedMessage } from '../../ingress/index.ts'
import { lookUpKeys } from './key-records.ts'

/** What is to be verified. */
export type Wanted = {
  /** The domains whose DKIM keys are worth a look-up; null: DKIM is not asked for. */
  readonly dkim: ((domain: string) => boolean) | null
  readonly arc: boolean
}

export type Verification = {
  /** One for each DKIM-Signature field, top first; those of other domains are `temperror`. null: not asked for. */
  readonly dkim: readonly SignatureResult[] | null
  readonly arc: ArcResult | null
}

/** Octets of a body that are hashed in one turn of the event loop. */
const octetsInOneTurn = 1_048_576

/**
 * Verifies the signatures of a message with keys from the DNS. The body was hashed while it came in, which serves every signature of
 * the usual kind (relaxed, whole); it is gone through again only for one of another kind. `now` in milliseconds since the epoch.
 */
export async function verifySignatures(
  dns: Dns,
  section: HeaderSection,
  { body, relaxedBodyHash }: Pick<ReceivedMessage, 'body' | 'relaxedBodyHash'>,
  wanted: Wanted,
  now: number,
): Promise<Verification> {
  const bodies = new BodyHashes({ relaxed: relaxedBodyHash })
  const isWanted = wanted.dkim
  const dkim = isWanted === null ? null : openDkimVerification(section, bodies)
  const arc = wanted.arc ? openArcVerification(section, bodies) : null
  const needs: readonly KeyNeed[] = [
    ...(dkim?.needs.filter((need) => isWanted?.(need.domain) === true) ?? []),
    ...(arc?.needs ?? []),
  ]
  const keys = await lookUpKeys(dns, needs)
  if (needs.length > 0 && bodies.needBody) await feed(bodies, body)
  const circumstances = { keys, now: Math.floor(now / 1000) }
  return { dkim: dkim?.conclude(circumstances) ?? null, arc: arc?.conclude(circumstances) ?? null }
}

async function feed(bodies: BodyHashes, body: readonly Buffer[]): Promise<void> {
  let octets = 0
  for (const piece of body) {
    bodies.update(piece)
    octets += piece.length
    if (octets < octetsInOneTurn) continue
    octets = 0
    await breath()
  }
}
