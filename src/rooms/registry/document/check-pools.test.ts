import { expect, test } from 'vitest'
import type { Domain } from '../../../standards/names/domain.ts'
import { policyContext } from './context.ts'
import { isPolicyProblems } from './problems.ts'
import { readPolicy } from './read-policy.ts'

const noNetworks = { m365: { networks: null }, google: { networks: null } }

function problemsOf(pools: readonly string[] | undefined, customer: string, grant: string): readonly string[] {
  const text = `customers:
  - id: acme
${customer}
    domains: [{ name: acme.example }]
    sources: [{ id: crm, kind: network, networks: [203.0.113.0/28] }]
    grants:
      - { source: crm, domains: [acme.example], classes: [hosted], approvedBy: a, reason: r${grant} }
`
  const read = readPolicy(text, 'p.yaml', policyContext('relay.example.net' as Domain, noNetworks, pools))
  return isPolicyProblems(read) ? read.lines : []
}

const pools = ['default', 'bulk']

test.each([
  ['    pool: bulk', ''],
  ['    pool: { hosted: bulk, notification: default }', ''],
  ['    suppression: discard', ', pool: { hosted: bulk }'],
  ['', ', pool: default'],
])('known pools: %s%s', (customer, grant) => {
  expect(problemsOf(pools, customer, grant)).toEqual([])
})

test('an unknown pool is told with its place, of a customer, a class and a grant', () => {
  expect(problemsOf(pools, '    pool: fast', '')).toEqual([
    'p.yaml:3:11 customers.0.pool: fast is no pool of the configuration (delivery.pools)',
  ])
  expect(problemsOf(pools, '    pool: { hosted: bulk, hybrid: fast }', '')).toEqual([
    expect.stringContaining('customers.0.pool.hybrid: fast is no pool'),
  ])
  expect(problemsOf(pools, '', ', pool: fast')).toEqual([
    expect.stringContaining('customers.0.grants.0.pool: fast is no pool'),
  ])
  expect(problemsOf(undefined, '    pool: fast', '')).toEqual([])
})

test('a class that nobody can grant, and another word for suppression, are errors', () => {
  expect(problemsOf(pools, '    pool: { forwarded: bulk }', '')).toHaveLength(1)
  expect(problemsOf(pools, '    suppression: ignore', '')).toHaveLength(1)
})
