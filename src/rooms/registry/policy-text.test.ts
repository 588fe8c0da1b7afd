import { expect, test } from 'vitest'
import type { Domain } from '../../standards/names/domain.ts'
import { isPolicyProblems, policyContext, readPolicy } from './index.ts'
import { readPolicy as readHere } from './document/read-policy.ts'

const context = policyContext('relay.example.net' as Domain, { m365: { networks: null }, google: { networks: null } })

const hash = '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2g'

/** Long enough to be read in a thread. */
const customers = Array.from({ length: 600 }, (_, at) => customer(`c${at}`))

function customer(id: string): string {
  return `  - id: ${id}
    domains:
      - { name: ${id}.example, proof: asserted, approvedBy: admin@relay.example, reason: a test }
    sources:
      - { id: plant, kind: smtp-auth, username: ${id}, passwordHash: "${hash}" }
    grants:
      - { source: plant, domains: [${id}.example], classes: [hosted], approvedBy: a@${id}.example, reason: a test }
`
}

test('a long policy is read as a short one is', async () => {
  const text = `customers:\n${customers.join('')}`
  const read = await readPolicy(text, 'p.yaml', context)
  if (isPolicyProblems(read)) throw new Error(read.lines.join('\n'))
  const here = readHere(text, 'p.yaml', context)
  expect(isPolicyProblems(here)).toBe(false)
  expect(read.customers).toEqual(isPolicyProblems(here) ? null : here.customers)
  expect(read.documents.size).toBe(600)
})

test('what is wrong with a long policy is told with its place, across customers too', async () => {
  const text = `customers:\n${customers.join('')}${customer('C')}${customer('late').replace('name: late', 'name: c7')}`
  const read = await readPolicy(text, 'p.yaml', context)
  expect(isPolicyProblems(read) && read.lines).toEqual([
    'p.yaml:4202:9 customers.600.id: must be lower-case letters, digits and inner hyphens, at most 40',
    'p.yaml:4211:17 customers.601.domains.0.name: c7.example is listed by customer c7 already',
    'p.yaml:4215:36 customers.601.grants.0.domains.0: late.example is not a domain of customer late',
  ])
})

test('another thing is done while a long policy is read', async () => {
  let turns = 0
  const timer = setInterval(() => turns++, 5)
  await readPolicy(`customers:\n${customers.join('')}`, 'p.yaml', context)
  clearInterval(timer)
  expect(turns).toBeGreaterThan(3)
})
