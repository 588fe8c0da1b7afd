import { z } from 'zod'
import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../../standards/fault.ts'
import { parseDomain } from '../../standards/names/domain.ts'
import { parseIp } from '../../standards/names/ip.ts'
import { parseTenantId } from '../../standards/names/tenant.ts'
import type { Evidence } from './evidence.ts'

const domain = z.string().refine((text) => parseDomain(text) === text, 'is no domain')
const address = z.string().refine((text) => parseIp(text) === text, 'is no address')
const tenant = z.string().refine((text) => !isSyntaxFault(parseTenantId(text)), 'is no tenant id')
const mailbox = z.strictObject({ localPart: z.string(), domain })
const count = z.number().int().nonnegative()
const claim = z.strictObject({ claimed: z.string(), where: z.enum(['greeting', 'envelope', 'header', 'certificate']) })
const source = z.strictObject({ customer: z.string(), source: z.string() })

const proofs = [
  'address-list',
  'client-certificate',
  'account',
  'listed-address',
  'stamped',
  'signature',
  'built-in',
] as const
const verifiedBy = <T extends z.ZodType>(value: T, proof: (typeof proofs)[number]) =>
  z.strictObject({ value, proof: z.literal(proof) })

const fault = z.union([
  z.strictObject({ kind: z.literal('line-endings'), where: z.enum(['command', 'data']) }),
  z.strictObject({ kind: z.literal('message-too-big'), limit: count }),
  z.strictObject({ kind: z.literal('too-many-recipients'), limit: count }),
  z.strictObject({ kind: z.literal('message-malformed'), reason: z.string() }),
  z.strictObject({ kind: z.literal('storage-full') }),
])

const connection = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('m365'),
    network: verifiedBy(z.string(), 'address-list'),
    certificate: verifiedBy(z.string(), 'client-certificate'),
    relayPool: z.boolean(),
    fcrdns: z.enum(['pass', 'fail', 'unavailable', 'off']),
  }),
  z.strictObject({ kind: z.literal('google'), network: verifiedBy(z.string(), 'address-list') }),
  z.strictObject({ kind: z.literal('smtp-auth'), account: verifiedBy(z.string(), 'account'), source }),
  z.strictObject({ kind: z.literal('mtls'), fingerprint: verifiedBy(z.string(), 'client-certificate'), source }),
  z.strictObject({ kind: z.literal('network'), address: verifiedBy(address, 'listed-address'), source }),
  z.strictObject({ kind: z.literal('self'), operator: verifiedBy(domain, 'built-in') }),
  z.strictObject({ kind: z.literal('unproven'), because: z.string() }),
  z.strictObject({ kind: z.literal('lookup-failed'), because: z.string() }),
])

const providerProof = z.enum(['not-evaluated', 'pass', 'fail', 'none', 'temperror'])
const words = z.array(z.string())
/** Records of the time before there were such facts lack them. */
const laterWords = words.default([])

const m365 = z.strictObject({
  duplicates: words,
  malformed: words,
  tenant: verifiedBy(tenant, 'stamped').nullable(),
  originator: verifiedBy(domain, 'stamped').nullable(),
  consumer: z.boolean(),
  xoorg: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('absent') }),
    z.strictObject({ kind: z.literal('malformed') }),
    z.strictObject({ kind: z.literal('given'), domain }),
  ]),
  attributed: z.strictObject({ tenant, address, helo: z.string() }).nullable(),
  authAs: z.enum(['internal', 'anonymous', 'other']).nullable(),
  entity: z.enum(['hosted', 'hybridonprem', 'internet', 'other']).nullable(),
  senderAdCheck: z.string().nullable(),
  networkMessageId: z.string().nullable(),
  conflicts: words,
  doubts: laterWords,
  dkim: providerProof,
  arc: providerProof,
  findings: laterWords,
})

const google = z.strictObject({
  domain: verifiedBy(domain, 'signature').nullable(),
  dkim: providerProof,
  signature: z.string().nullable(),
  relayingDomain: z.string().nullable(),
  duplicates: words,
  conflicts: words,
  doubts: words,
  findings: words,
})

const hop = z.strictObject({
  from: z.string().nullable(),
  address: address.nullable(),
  by: z.string().nullable(),
  with: z.string().nullable(),
  at: z.number().nullable(),
})

const message = z.strictObject({
  size: count,
  class: z.enum(['hosted', 'hybrid', 'forwarded', 'notification', 'unknown']),
  bodyHash: z.string().optional(),
  malformed: z.string().nullable(),
  author: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('mailbox'), mailbox }),
    z.strictObject({ kind: z.literal('malformed'), reason: z.string() }),
  ]),
  otherAuthors: z.array(
    z.strictObject({ field: z.enum(['sender', 'resent-from', 'resent-sender']), domain: domain.nullable() }),
  ),
  report: z.boolean(),
  automatic: z.boolean(),
  list: z.object({ marked: z.boolean(), oneClick: z.enum(['yes', 'no-https', 'no-post', 'none']) }).optional(),
  subject: z.string().nullable(),
  messageId: z.string().nullable(),
  receivedCount: count,
  received: z.array(hop).optional(),
})

const lock = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('read'),
    domain,
    lock: z.strictObject({
      records: count,
      m365: z.array(z.strictObject({ tenant, originators: z.array(domain) })),
      google: z.array(domain),
      sources: z.array(z.string()),
      classes: z.array(z.string()).nullable(),
    }),
  }),
  z.strictObject({ kind: z.literal('unavailable'), domain, because: z.string() }),
])

const evidence = z.strictObject({
  fault: fault.nullable(),
  session: z.strictObject({
    listener: z.string(),
    client: address,
    greeting: claim.nullable(),
    tls: z.strictObject({ protocol: z.string(), cipher: z.string(), certificate: z.string().nullable() }).nullable(),
  }),
  connection,
  m365: m365.nullable(),
  google: google.nullable().default(null),
  envelope: z.strictObject({
    reversePath: mailbox.nullable(),
    srsShaped: z.boolean(),
    recipients: z.array(mailbox),
    smtputf8: z.boolean(),
  }),
  message: message.nullable(),
  lock: lock.optional(),
  claims: z.strictObject({ tenant: claim.nullable(), originator: claim.nullable() }),
})

/**
 * Reads evidence back from the ledger for a replay: the one other way to a `Verified`, since what was checked then cannot be checked
 * again. Anything but the exact shape is a fault, so that a record from elsewhere does not pass for one of ours by half.
 */
export function restoreEvidence(json: unknown): Evidence | SyntaxFault {
  const read = evidence.safeParse(json)
  if (read.success) return read.data as unknown as Evidence
  const issue = read.error.issues[0]
  return syntaxFault(
    `recorded evidence: ${issue === undefined ? 'malformed' : `${issue.path.join('.')} ${issue.message}`}`,
  )
}
