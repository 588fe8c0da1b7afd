import { expect, expectTypeOf, test } from 'vitest'
import type { Signer } from '../../signer/protocol.ts'
import { claimed } from '../../standards/claim.ts'
import type { Domain } from '../../standards/names/domain.ts'
import { parseTenantId } from '../../standards/names/tenant.ts'
import { Secret } from '../../standards/secret.ts'
import type { Entry } from '../custody/custody.ts'
import type { ConnectionProof, M365Evidence, Verified } from '../evidence/evidence.ts'
import type { Decision, DecisionId, Permit, PermitRecord, SealedPermit } from './decision.ts'
import { type Renewed, sealPermit } from './rejudge.ts'
import { key, now } from './testing/policy.ts'

/** What must not compile. `tsc` checks each line; run here, they only have to be there. */

const record: PermitRecord = {
  id: '0000000000000000' as DecisionId,
  customer: 'acme',
  source: 'acme-m365',
  grant: 'acme-mail',
  domain: 'acme.example' as Domain,
  class: 'hosted',
  attribution: { kind: 'self' },
  policyVersion: 1,
  mintedAt: now,
}

test('a permit is not written down', () => {
  // @ts-expect-error a record is not a permit: only decide() mints one
  const permit: Permit = record
  // @ts-expect-error nor is a copy of one with the fields of one
  const entry: Pick<Entry, 'permit'> = { permit: { ...record } }
  // @ts-expect-error and a decision to relay has to bring one
  const decision: Pick<Extract<Decision, { verdict: 'relay' }>, 'verdict' | 'permit'> = { verdict: 'relay' }
  expect([permit, entry, decision]).toHaveLength(3)
})

test('a signature is not asked for without a sealed permit', () => {
  const fields = {
    customer: 'acme',
    domain: 'acme.example' as Domain,
    source: 'acme-m365',
    selector: 's1',
    policyVersion: 1,
    expiresAt: now,
    inputHash: Buffer.alloc(32),
    mac: Buffer.alloc(32),
  }
  // @ts-expect-error the fields of a sealed permit are not one: only sealPermit() makes it
  const sealed: SealedPermit = fields
  const asked: unknown[] = []
  const signer: Signer = {
    sign: (request) => {
      asked.push(request)
      return Promise.resolve({ kind: 'refused', reason: 'a test' })
    },
  }
  // @ts-expect-error a stored permit signs nothing
  void signer.sign({ permit: record, input: Buffer.alloc(0) })
  // @ts-expect-error nor does no permit
  void signer.sign({ input: Buffer.alloc(0) })
  expect([sealed, ...asked]).toHaveLength(3)
})

test('a seal needs a renewal, and a renewal is not written down', () => {
  const chosen = key('acme', 'acme-m365', record.domain)
  // @ts-expect-error only rejudge() renews
  const renewed: Renewed = { permit: record, policyVersion: 1, keys: [], judgedAt: now }
  // @ts-expect-error a stored permit is not sealed without being judged again
  expect(() => sealPermit(record, chosen, Buffer.alloc(0), new Secret(Buffer.alloc(32)), now)).toThrow()
  expect(renewed.keys).toEqual([])
})

test('a claim is not a proof', () => {
  const tenant = parseTenantId('3dd8961f-e488-4e60-8e11-a82d994e183d')
  // @ts-expect-error a claimed tenant is not enough
  const evidence: Pick<M365Evidence, 'tenant'> = { tenant: claimed(tenant, 'header') }
  // @ts-expect-error a proof is not written down outside the evidence room
  const proof: Verified<string> = { value: 'crm@acme', proof: 'account' }
  const connection: ConnectionProof = {
    kind: 'smtp-auth',
    // @ts-expect-error a name alone proves no account
    account: 'crm@acme',
    source: { customer: 'acme', source: 'acme-crm' },
  }
  expectTypeOf<Verified<string>>().toHaveProperty('proof')
  expect([evidence, proof, connection]).toHaveLength(3)
})
