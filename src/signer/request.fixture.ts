import { createHash, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto'
import type { SealedPermit } from '../path/decision/decision.ts'
import type { SignatureAlgorithm } from '../standards/dkim/algorithm.ts'
import { type SignatureDraft, buildSignature } from '../standards/dkim/build-signature.ts'
import { isSyntaxFault } from '../standards/fault.ts'
import { type HeaderSection, scanHeaderSection } from '../standards/message/header-section.ts'
import type { Domain } from '../standards/names/domain.ts'
import { type SealFields, sealMac } from '../standards/seal.ts'
import { Secret } from '../standards/secret.ts'
import { type GrantCopy, type PolicyChange, type PolicySource, grantChange } from './policy-copy.ts'
import type { SigningRequest, WrappedKey } from './protocol.ts'

/** Octets of a header section to sign, and how. */
export type DraftOptions = {
  readonly header?: string
  readonly domain?: string
  readonly selector?: string
  readonly algorithm?: SignatureAlgorithm
  readonly bodyHash?: Buffer
  /** Milliseconds since the epoch. */
  readonly now?: number
}

export const plainHeader = 'From: Alice <alice@acme.example>\r\nTo: bob@far.example\r\nSubject: hello\r\n'

export function newSealKey(): Secret<Buffer> {
  return new Secret(randomBytes(32))
}

export function draftFor(options: DraftOptions = {}): SignatureDraft {
  const draft = buildSignature({
    section: scanHeaderSection(Buffer.from(options.header ?? plainHeader)) as HeaderSection,
    domain: (options.domain ?? 'acme.example') as Domain,
    selector: options.selector ?? 'rsa-1',
    algorithm: options.algorithm ?? 'rsa-sha256',
    bodyHash: options.bodyHash ?? Buffer.alloc(32),
    signedAt: (options.now ?? Date.now()) / 1000,
  })
  if (isSyntaxFault(draft)) throw new Error(draft.reason)
  return draft
}

/** What the decision room seals for this input, with any field of it replaced before sealing. */
export function fieldsFor(input: Buffer, replaced: Partial<SealFields> = {}): SealFields {
  return {
    customer: 'acme',
    domain: 'acme.example',
    source: 'acme-m365',
    selector: 'rsa-1',
    policyVersion: 7,
    expiresAt: Date.now() + 50_000,
    inputHash: createHash('sha256').update(input).digest(),
    ...replaced,
  }
}

/** A permit as the decision room would seal it; only tests make one this way. */
export function seal(sealKey: Secret<Buffer>, fields: SealFields): SealedPermit {
  return { ...fields, mac: sealMac(sealKey, fields) } as unknown as SealedPermit
}

export function requestFor(
  sealKey: Secret<Buffer>,
  draft: SignatureDraft,
  replaced: Partial<SealFields> = {},
): SigningRequest {
  return { permit: seal(sealKey, fieldsFor(draft.signingInput, replaced)), input: draft.signingInput }
}

export function newPrivateKey(algorithm: SignatureAlgorithm): { readonly publicKey: KeyObject; readonly der: Buffer } {
  const pair =
    algorithm === 'rsa-sha256' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519')
  return { publicKey: pair.publicKey, der: pair.privateKey.export({ type: 'pkcs8', format: 'der' }) }
}

/** A policy that stands still, and its keys. */
export type FixedPolicy = {
  readonly version: number
  readonly grants: readonly GrantCopy[]
  readonly keys: readonly WrappedKey[]
}

export function sourceOf({ version, grants, keys }: FixedPolicy): PolicySource {
  return {
    copy: () => ({ version, grants }),
    activeKey: ({ selector, domain }) =>
      Promise.resolve(keys.find((key) => key.selector === selector && key.domain === domain) ?? null),
  }
}

/** What the relay tells of the step from one to another. */
export function changeBetween(before: FixedPolicy | null, after: FixedPolicy): PolicyChange {
  const lostKeys = (before?.keys ?? []).filter((key) => !after.keys.includes(key))
  return { version: after.version, ...grantChange(before?.grants ?? [], after.grants), lostKeys }
}
