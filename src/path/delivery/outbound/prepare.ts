import { buildSignature } from '../../../standards/dkim/build-signature.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { senderNameOf } from '../../../standards/message/feedback-id.ts'
import { type HeaderSection, scanHeaderSection } from '../../../standards/message/header-section.ts'
import type { StoredMessage } from '../../custody/custody.ts'
import type { Rejudgement, Renewed } from '../../decision/rejudge.ts'
import type { Room, SigningKey } from '../room.ts'
import { cleanHeader } from './header-hygiene.ts'
import { feedbackIdField } from './feedback-id.ts'
import { loopReason } from './mail-loop.ts'
import { receivedField } from './received.ts'
import type { MadeSignature } from './signatures.ts'

/** A message judged again and ready for the wire, or why it is not. */
export type Prepared =
  | {
      readonly kind: 'ready'
      /** The whole header section with the empty line behind it. */
      readonly header: Buffer
      readonly removed: readonly string[]
      readonly signature:
        | { readonly kind: 'made' | 'reused'; readonly made: MadeSignature }
        | { readonly kind: 'none'; readonly because: string }
    }
  /** It may not be sent any more. */
  | { readonly kind: 'withdrawn'; readonly rule: string; readonly because: string }
  | { readonly kind: 'looping'; readonly because: string }
  /** What is stored cannot be a message that we accepted. */
  | { readonly kind: 'unsendable'; readonly because: string }
  /** It may be sent, but we can't sign it now. */
  | { readonly kind: 'our-fault'; readonly because: string }

/**
 * Judges a stored message again and writes the header section that goes out: signatures, our Received, and what is left of its own
 * after cleaning. A signature of this policy version is reused for a while; a customer's mail never comes out of here without one.
 */
export async function prepare(room: Room, message: StoredMessage): Promise<Prepared> {
  const judged = room.rejudge(message)
  if (judged.kind === 'withdrawn') return { kind: 'withdrawn', rule: judged.rule, because: judged.because }
  if (judged.kind === 'not-ready') return { kind: 'our-fault', because: `${judged.rule}: ${judged.because}` }
  const stored = scanHeaderSection(message.header, { maxBytes: message.header.length, maxFields: Infinity })
  if (isSyntaxFault(stored)) return { kind: 'unsendable', because: stored.reason }
  const loop = loopReason(stored, room.hostname)
  if (loop !== null) return { kind: 'looping', because: loop }
  const sender = senderNameOf(room.operatorDomain)
  const clean = cleanHeader(stored, sender)
  const { removed } = clean
  const feedbackId = feedbackIdField(message, stored, clean, sender)
  const unsigned = Buffer.concat([receivedField(message, room.hostname), feedbackId, clean.header])
  const signed = await sign(room, message, judged, unsigned)
  if (signed.kind === 'our-fault' || signed.kind === 'unsendable') return signed
  const fields = signed.kind === 'none' ? [] : [signed.made.fields]
  return { kind: 'ready', header: Buffer.concat([...fields, unsigned, emptyLine]), removed, signature: signed }
}

const emptyLine = Buffer.from('\r\n')

type Signed =
  | Extract<Prepared, { kind: 'ready' }>['signature']
  | Extract<Prepared, { kind: 'our-fault' | 'unsendable' }>

async function sign(
  room: Room,
  message: StoredMessage,
  judged: Extract<Rejudgement, { kind: 'renewed' | 'unsigned' }>,
  header: Buffer,
): Promise<Signed> {
  if (judged.kind === 'unsigned') return { kind: 'none', because: judged.because }
  const { policyVersion } = judged.permit
  const now = room.clock.now()
  const known = room.signatures.find(message.id, policyVersion, now)
  if (known !== null) {
    room.outbound.metrics.signaturesReused++
    return { kind: 'reused', made: known }
  }
  const section = scanHeaderSection(header, { maxBytes: header.length, maxFields: Infinity })
  if (isSyntaxFault(section)) return { kind: 'unsendable', because: section.reason }
  const keys = onePerAlgorithm(judged.keys)
  const answers = await Promise.all(keys.map((key) => signWith(room, message, section, judged.permit, key, now)))
  const fields: Buffer[] = []
  for (const answer of answers) {
    if (!Buffer.isBuffer(answer)) return answer
    fields.push(answer)
  }
  room.outbound.metrics.signaturesMade += fields.length
  const made = { policyVersion, fields: Buffer.concat(fields), selectors: keys.map((key) => key.selector), madeAt: now }
  room.signatures.keep(message.id, made)
  return { kind: 'made', made }
}

/** One whole DKIM-Signature field. */
async function signWith(
  room: Room,
  message: StoredMessage,
  section: HeaderSection,
  permit: Renewed,
  key: SigningKey,
  now: number,
): Promise<Buffer | Extract<Prepared, { kind: 'our-fault' | 'unsendable' }>> {
  const draft = buildSignature({
    section,
    domain: key.domain,
    selector: key.selector,
    algorithm: key.algorithm,
    bodyHash: message.relaxedBodyHash,
    signedAt: Math.floor(now / 1000),
  })
  if (isSyntaxFault(draft)) return { kind: 'unsendable', because: draft.reason }
  const sealed = room.seal(permit, key, draft.signingInput)
  const answer = await room.signer.sign({ permit: sealed, input: draft.signingInput })
  if (answer.kind === 'signature') return draft.complete(answer.signature)
  return { kind: 'our-fault', because: `the signer answered ${answer.kind}: ${answer.reason}` }
}

/** While keys are being rotated more than one may sign; one of each kind does. */
function onePerAlgorithm(keys: readonly SigningKey[]): readonly SigningKey[] {
  return keys.filter((key, at) => keys.findIndex((one) => one.algorithm === key.algorithm) === at)
}
