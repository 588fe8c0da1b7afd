import type { Grant } from '../../../rooms/registry/index.ts'
import type { Evidence, ProviderProof } from '../../evidence/evidence.ts'
import { grantOf } from '../authority.ts'
import { type Check, type Matter, finding } from './matter.ts'

type Kind = 'dkim' | 'arc'

export const evidenceRequired: Check = (matter) => {
  const { evidence, subject } = matter
  const demands = demandsOf(matter)
  // Whatever could not be looked up may still be there: another rule puts the message off.
  const wanting = demands.filter(({ found }) => found !== 'pass' && found !== 'temperror')
  if (wanting.length === 0) return null
  const found = wanting.map(({ kind, found: proof }) => `${kind} is ${proof}`)
  const by = subject.grant === null ? 'a Google source' : `the grant ${subject.grant.id}`
  const looked = findingsOf(evidence)
  return finding(
    `${by} requires more: ${found.join(', ')}${looked.length === 0 ? '' : ` (${looked.join('; ')})`}`,
    wanting.map(({ kind }) => kind.toUpperCase()).join(' and '),
  )
}

/** Why the answer depends on a key that could not be looked up, or null. */
export function unresolvedSignature(matter: Matter): string | null {
  const { m365, google } = matter.evidence
  const [doubt] = m365?.doubts ?? google?.doubts ?? []
  if (doubt !== undefined) return `the key cannot be looked up that would tell whether this is genuine: ${doubt}`
  const unresolved = demandsOf(matter).filter(({ found }) => found === 'temperror')
  if (unresolved.length === 0) return null
  return `a key for ${unresolved.map(({ kind }) => kind.toUpperCase()).join(' and ')} cannot be looked up now`
}

/** Whether all that is demanded of signatures is there, nothing genuine speaks against it, and nothing is left open. */
export function signaturesSuffice(matter: Matter): boolean {
  const { m365, google } = matter.evidence
  const against = [
    ...(m365?.conflicts ?? []),
    ...(m365?.doubts ?? []),
    ...(google?.conflicts ?? []),
    ...(google?.doubts ?? []),
  ]
  return against.length === 0 && demandsOf(matter).every(({ found }) => found === 'pass')
}

/**
 * Whether the owner of the author domain has granted a Google source for it, so that its signature is all that is missing to tell the
 * Workspace. It gives no right: who sent is not known without the signature.
 */
export function awaitsGoogle({ evidence, policy, subject: { author, owned } }: Matter): boolean {
  if (evidence.connection.kind !== 'google' || evidence.google?.dkim === 'pass') return false
  if (policy === null || author === null || owned === null) return false
  const source = policy.googleSource(author)
  return source !== null && grantOf(policy, source, owned, author) !== null
}

/** What must be there, and what was found. Of Google the domain's own signature always is: without it nothing names the Workspace. */
function demandsOf(matter: Matter): readonly { readonly kind: Kind; readonly found: ProviderProof }[] {
  const {
    evidence: { connection, m365, google },
    subject: { grant },
  } = matter
  const isGoogle = connection.kind === 'google'
  return (['dkim', 'arc'] as const)
    .filter((kind) => (isGoogle && kind === 'dkim') || (grant !== null && requires(grant, kind)))
    .map((kind) => ({ kind, found: (isGoogle ? (kind === 'dkim' ? google?.dkim : null) : m365?.[kind]) ?? 'none' }))
}

function requires({ evidence }: Grant, kind: Kind): boolean {
  return evidence[kind] === 'require'
}

function findingsOf({ m365, google }: Evidence): readonly string[] {
  return m365?.findings ?? google?.findings ?? []
}
