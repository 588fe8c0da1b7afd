import { describe, expect, it } from 'vitest'
import type { OwnedDomain } from '../../rooms/registry/policy.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { PermitRecord } from './decision.ts'
import { returnPathOf } from './return-path.ts'
import { acmeWith, now, owned, policyOf } from './testing/policy.ts'

const permit = { customer: 'acme', source: 'acme-m365', domain: 'acme.example' } as PermitRecord
const bounce = 'bounce.acme.example' as Domain
const unproven = { kind: 'dns', token: 't', provedAt: null, lapsesAt: null } as const

function found(domains: readonly OwnedDomain[], more: readonly OwnedDomain[] = []): Domain | null {
  const other = { ...acmeWith({}), id: 'globex', domains: more, sources: [], grants: [] }
  return returnPathOf(policyOf([acmeWith({ domains }), other]), permit, now)
}

describe('the return path of a permit', () => {
  it('is that of the owned author domain, below what the customer owns', () => {
    expect(found([owned('acme', 'acme.example', { returnPath: bounce })])).toBe(bounce)
    expect(found([owned('acme', 'acme.example')])).toBeNull()
    expect(found([])).toBeNull()
  })

  it('is none where the domain above it has no proof that holds', () => {
    const author = owned('acme', 'acme.example', { returnPath: 'b.acme-mail.example' as Domain })
    expect(found([author, owned('acme', 'acme-mail.example')])).toBe('b.acme-mail.example')
    expect(found([author, owned('acme', 'acme-mail.example', { proof: unproven })])).toBeNull()
    expect(found([author])).toBeNull()
    expect(
      found([owned('acme', 'acme.example', { returnPath: bounce }), owned('acme', bounce, { proof: unproven })]),
    ).toBeNull()
  })

  it('is none where another customer owns the very name', () => {
    expect(found([owned('acme', 'acme.example', { returnPath: bounce })], [owned('globex', bounce)])).toBeNull()
  })
})
