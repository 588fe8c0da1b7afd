import type { LedgerEvent } from '../ledger/index.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { ProofLook } from './check-proof.ts'
import { whyNotOwnable } from './document/ownable.ts'
import { selfDocument, selfId } from './document/self.ts'
import { type ProofStanding, type ProofState, afterLook, nextLookAt, weighed } from './proof-state.ts'
import { makeTokens } from './store/customers.ts'
import { recordEvents } from './store/events.ts'
import {
  type ProofRow,
  keepClaims,
  readDueProofs,
  readProofRow,
  readProofRows,
  readProofs,
  writeChanges,
  writeProofRow,
} from './store/proofs.ts'
import type { Store, StoreTransaction } from './store/tables.ts'
import { type Author, currentVersion, nextVersion } from './store/versions.ts'
import { noteWanted } from './store/wanted.ts'

/** A proof that is to be looked for. */
export type WantedProof = { readonly customer: string; readonly domain: Domain; readonly token: string }

/** What a look for one came to. */
export type LookedProof = WantedProof & ProofLook

/** A proof that a look changed. */
export type ProofChange = {
  readonly customer: string
  readonly domain: Domain
  readonly was: ProofState
  readonly state: ProofState
  /** When it lapses, or lapsed; null when it does not. */
  readonly lapsesAt: number | null
  readonly because: string
}

export type LookOptions = {
  /** How long a proof whose record is gone still counts, in milliseconds. */
  readonly graceMs: number
  /** From 0 up to 1, anew for each look: so that proofs do not come due together for ever. */
  readonly chance: () => number
}

/** Proofs that are due to be looked for at `now`. */
export async function dueProofs(store: Store, now: number, limit: number): Promise<readonly WantedProof[]> {
  return withTokens(store, await readDueProofs(store, now, limit))
}

/** Every proof that the policy asks for, or those of some domains. */
export async function proofsOf(store: Store, domains: readonly string[] | null): Promise<readonly WantedProof[]> {
  return withTokens(store, await readProofRows(store, domains))
}

async function withTokens(store: Store, rows: readonly ProofRow[]): Promise<readonly WantedProof[]> {
  const proofs = await readProofs(store, [...new Set(rows.map((row) => row.customer))], 'now')
  return rows.flatMap(({ customer, domain }) => {
    const token = proofs.get(`${customer}/${domain}`)?.token
    return token === undefined ? [] : [{ customer, domain: domain as Domain, token }]
  })
}

/**
 * Writes down what looks came to, and when to look again. Proofs that change by it do so in one version of the policy, with an event for
 * the ledger each. One that the policy has ceased to ask for meanwhile is passed over.
 */
export function noteLooks(
  store: Store,
  looks: readonly LookedProof[],
  options: LookOptions,
  by: Author,
): Promise<readonly ProofChange[]> {
  return store.transaction().execute(async (tx) => {
    const changes: (ProofChange & ProofStanding)[] = []
    for (const look of looks) {
      const row = await readProofRow(tx, look.customer, look.domain)
      if (row === null) continue
      const was = standingOf(row)
      const answer = weighed(look.answer, row.seen_at, by.at)
      const standing = afterLook(was, answer, by.at, options.graceMs)
      await writeProofRow(tx, rowAfter(row, standing, look, by.at, options.chance()))
      if (standing.state === was.state) continue
      const { customer, domain, because } = look
      changes.push({ customer, domain, was: was.state, because, ...standing })
    }
    if (changes.length === 0) return []
    const version = await nextVersion(tx, by)
    await writeChanges(tx, version, changes)
    await recordEvents(
      tx,
      changes.map((change) => eventOf(change, by.at)),
    )
    for (const { customer, domain, state } of changes)
      if (customer === selfId && state === 'proven') await wantOwnKey(tx, version, domain)
    return changes
  })
}

/**
 * Begins to look for the proof of the operator's own domain, as for a customer's, and makes its token. One label alone, such as
 * `localhost`, nobody can prove, so it is not looked for.
 */
export function claimOwnDomain(store: Store, operator: Domain, by: Author): Promise<void> {
  return store.transaction().execute(async (tx) => {
    const own = whyNotOwnable(operator) === null ? [operator] : []
    await makeTokens(tx, [{ customer: selfId, domain: operator }])
    const rows = (await readProofRows(tx, null)).filter((row) => row.customer === selfId)
    if (rows.map((row) => row.domain).join() === own.join()) return
    const loses = rows.some((row) => row.state !== 'unproven' && row.domain !== operator)
    const version = loses ? await nextVersion(tx, by) : await currentVersion(tx)
    await keepClaims(tx, version, new Map([[selfId, own]]), by.at)
    await noteWanted(tx, version, new Map([[selfId, null]]))
  })
}

/** Our own notifications are signed once the domain is proven, so that is when a key is first of use. */
async function wantOwnKey(tx: StoreTransaction, version: number, operator: Domain): Promise<void> {
  await noteWanted(tx, version, new Map([[selfId, selfDocument(operator)]]))
}

function standingOf({ state, proved_at, lapses_at }: ProofRow): ProofStanding {
  return { state, provedAt: proved_at, lapsesAt: lapses_at }
}

function rowAfter(row: ProofRow, standing: ProofStanding, look: ProofLook, now: number, chance: number): ProofRow {
  const since = standing.state === row.state ? row.since : now
  return {
    ...row,
    state: standing.state,
    since,
    proved_at: standing.provedAt,
    lapses_at: standing.lapsesAt,
    looked_at: now,
    seen_at: look.answer === 'seen' ? now : row.seen_at,
    trouble: look.answer === 'seen' ? null : look.because,
    look_at: nextLookAt(standing, { answer: look.answer, since, now }, chance),
  }
}

const kinds = {
  unproven: 'proof-missing',
  proven: 'proof-seen',
  lapsing: 'proof-missing',
  lapsed: 'proof-lapsed',
} as const satisfies Readonly<Record<ProofState, LedgerEvent['kind']>>

function eventOf({ customer, domain, was, state, lapsesAt, because }: ProofChange, at: number): LedgerEvent {
  const detail = { domain, was, state, lapsesAt, because }
  return { kind: kinds[state], at, id: domainEventId(domain), customer, source: null, detail }
}

/** The id under which what happens to a domain stands in the ledger. */
export function domainEventId(domain: string): string {
  return `domain/${domain}`
}
