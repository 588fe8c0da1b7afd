import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { parseOwnerLock } from './owner-lock.ts'

const tenant = '3dd8961f-e488-4e60-8e11-a82d994e183d'

test('the record of the contract', () => {
  const text = `v=anechoic1; m365=${tenant.toUpperCase()}/acme.example,Acme-Sales.example; google=acme.example; source=acme-crm; classes=hosted,hybrid`
  expect(parseOwnerLock([text])).toEqual({
    records: 1,
    m365: [{ tenant, originators: ['acme.example', 'acme-sales.example'] }],
    google: ['acme.example'],
    sources: ['acme-crm'],
    classes: ['hosted', 'hybrid'],
  })
})

test('tags repeat, records are a union, and unknown tags are passed over', () => {
  expect(
    parseOwnerLock([
      'v=anechoic1;source=a;source=b;',
      'v=anechoic1; classes=hosted; note=to whom it may concern',
      ' v = anechoic1 ; classes = notification ; source = c ',
    ]),
  ).toEqual({ records: 3, m365: [], google: [], sources: ['a', 'b', 'c'], classes: ['hosted', 'notification'] })
})

test('no record allows nobody, and one without classes leaves them to the policy', () => {
  expect(parseOwnerLock([])).toEqual({ records: 0, m365: [], google: [], sources: [], classes: null })
  expect(parseOwnerLock(['v=anechoic1'])).toMatchObject({ records: 1, classes: null })
})

test.each([
  ['another version', 'v=anechoic2; source=a'],
  ['the version in another place', 'source=a; v=anechoic1'],
  ['another kind of record', 'v=spf1 -all'],
  ['no tag', 'v=anechoic1; hello'],
  ['an empty tag between two', 'v=anechoic1;; source=a'],
  ['a tenant that is none', 'v=anechoic1; m365=acme/acme.example'],
  ['a tenant without originator', `v=anechoic1; m365=${tenant}`],
  ['an empty originator', `v=anechoic1; m365=${tenant}/acme.example,`],
  ['a wildcard', `v=anechoic1; m365=${tenant}/*`],
  ['any source', 'v=anechoic1; source=*'],
  ['any Workspace', 'v=anechoic1; google=*'],
  ['a class that is never signed', 'v=anechoic1; classes=hosted,forwarded'],
  ['no class', 'v=anechoic1; classes='],
  ['an octet that does not belong there', 'v=anechoic1; source=a\u0000'],
  ['a record of great length', `v=anechoic1; x=${'y'.repeat(5000)}`],
])('%s makes it unreadable, whatever stands beside it', (_, text) => {
  expect(isSyntaxFault(parseOwnerLock(['v=anechoic1; source=a', text]))).toBe(true)
})

test('whatever comes is read or is a fault, and never names what no text names', () => {
  const piece = fc.constantFrom(
    'v=anechoic1',
    ';',
    'm365=',
    tenant,
    '/',
    'a.example',
    ',',
    'source=',
    'x',
    'classes=hosted',
  )
  const text = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc.array(piece, { maxLength: 12 }).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(fc.array(text, { maxLength: 4 }), (texts) => {
      const lock = parseOwnerLock(texts)
      if (isSyntaxFault(lock)) return
      for (const source of lock.sources) expect(texts.some((one) => one.includes(source))).toBe(true)
      for (const one of lock.m365) expect(texts.some((each) => each.toLowerCase().includes(one.tenant))).toBe(true)
    }),
    { numRuns: 500 },
  )
})
