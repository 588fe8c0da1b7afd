import type { Policy } from '../../world/cast-policy.ts'
import type { Tenant } from '../../world/exchange-online.ts'
import { prove, publishKeysOf } from '../proving.ts'
import { throughExchangeOnline } from '../senders.ts'
import type { Story } from '../story.ts'
import { customerOf, provingWorld } from '../worlds.ts'

const domain = 'found.example'
const tenant: Tenant = {
  id: '7a1f4c52-95d1-4e0b-9a35-0c9c4a6f2b18',
  domains: [domain],
  initialDomain: 'foundorg.onmicrosoft.com',
}
const mistyped = '7a1f4c52-95d1-4e0b-9a35-0c9c4a6f2b81'

export const story: Story = {
  title: 'A tenant id that was mistyped, and is found',
  shows: '2.2 The tenant is told by its id alone: nobody types it blind',
  world: provingWorld,
  play: async (world, stage) => {
    const wrong: string[] = []
    world.microsoftLogin.add(tenant)
    world.zone[`selector1._domainkey.${domain}`] = {
      CNAME: `selector1-found-example._domainkey.${tenant.initialDomain}`,
    }

    const told = await world.tryPolicy(withTenant(mistyped))
    if (!told.out.includes(`Microsoft says that ${domain} is of tenant ${tenant.id} (${tenant.initialDomain})`))
      wrong.push(`the plan does not tell of the tenant: ${told.out}`)
    await world.applyPolicy(withTenant(mistyped))
    await prove(world, domain, 'globex')

    const resolved = await world.product.cli('sources', 'resolve', domain)
    if (resolved.code !== 1 || !resolved.out.includes(`has ${mistyped}: DIFFERENT`))
      wrong.push(`the difference is not shown (${resolved.code}): ${resolved.out}`)
    const found = await world.product.operations.resolveSources([domain])
    if (found[0]?.tenant == null) wrong.push('no tenant was found')

    await world.applyPolicy(withTenant(found[0]?.tenant ?? mistyped))
    await publishKeysOf(world, domain)
    const all = await world.product.cli('sources', 'resolve', '--all')
    if (!all.out.includes('globex globex-found agrees')) wrong.push(`the source does not agree: ${all.out}`)
    const said = await throughExchangeOnline(world, stage, {
      tenant,
      mailFrom: `ann@${domain}`,
      from: `ann@${domain}`,
    })
    return { sent: `From ann@${domain}, through the tenant that was found`, said, wrong }
  },
  expect: { told: 'the tenant that Microsoft names is shown, and its mail signed', arrivals: 1, signed: 1 },
}

/** Gives Globex the domain, and a source of this tenant that may send for it. */
function withTenant(id: string): (policy: Policy) => void {
  return (policy) => {
    const customer = customerOf(policy, 'globex')
    customer.domains.push({ name: domain, proof: 'dns' })
    customer.sources.push({ id: 'globex-found', kind: 'm365', tenant: id, originators: [domain] })
    customer.grants.push({
      id: 'globex-found',
      source: 'globex-found',
      domains: [domain],
      classes: ['hosted'],
      approvedBy: 'admin@globex.example',
      reason: 'the lab',
    })
  }
}
