import { describe, expect, it } from 'vitest'
import { hostedFields, mailbox, proven } from '../decision/testing/evidence.ts'
import { acmeTenant, evilTenant, ip } from '../decision/testing/policy.ts'
import type { ConnectionProof, M365Evidence } from './evidence.ts'
import { type ClassFacts, classOf, isSrsShaped } from './message-class.ts'

const m365: ConnectionProof = {
  kind: 'm365',
  network: proven('40.107.0.0/16'),
  certificate: proven('mail.protection.outlook.com'),
  relayPool: false,
  fcrdns: 'off',
}
const source = { customer: 'acme', source: 's' }
const account: ConnectionProof = { kind: 'smtp-auth', account: proven('crm'), source }

const attributed = { tenant: acmeTenant, address: ip('198.51.100.7'), helo: 'mx.acme.example' }
const hybridFields: Partial<M365Evidence> = { authAs: 'anonymous', entity: 'hybridonprem', attributed }

const facts = (fields: Partial<M365Evidence>, changes: Partial<ClassFacts> = {}): ClassFacts => ({
  connection: m365,
  m365: { ...hostedFields, ...fields },
  envelope: { reversePath: mailbox('alice@acme.example'), srsShaped: false },
  report: false,
  automatic: false,
  ...changes,
})

const nullPath = { envelope: { reversePath: null, srsShaped: false } }
const srs = { envelope: { reversePath: mailbox('a+SRS=x=y=b=c@acme.example'), srsShaped: true } }

describe('classOf on Microsoft 365', () => {
  it.each([
    ['a mailbox user', facts({}), 'hosted'],
    ['a mailbox user without SenderADCheck', facts({ senderAdCheck: null }), 'hosted'],
    ['an on-prem host', facts(hybridFields), 'hybrid'],
    ['an on-prem host that signed in', facts({ ...hybridFields, authAs: 'internal' }), 'hybrid'],
    [
      'an on-prem host of another tenant',
      facts({ ...hybridFields, attributed: { ...attributed, tenant: evilTenant } }),
      'unknown',
    ],
    ['an on-prem host that is not named', facts({ ...hybridFields, attributed: null }), 'unknown'],
    ['an on-prem host without AuthAs', facts({ ...hybridFields, authAs: null }), 'unknown'],
    ['an on-prem host and no tenant', facts({ ...hybridFields, tenant: null }), 'unknown'],
    ['AuthAs absent', facts({ authAs: null }), 'unknown'],
    ['hosted and anonymous', facts({ authAs: 'anonymous' }), 'unknown'],
    ['AuthAs another word', facts({ authAs: 'other' }), 'unknown'],
    ['entity absent', facts({ entity: null }), 'unknown'],
    ['entity another word', facts({ entity: 'other' }), 'unknown'],
    ['SenderADCheck 2', facts({ senderAdCheck: '2' }), 'unknown'],
    ['SenderADCheck malformed', facts({ senderAdCheck: 'malformed' }), 'unknown'],
    ['SenderADCheck 2 from an on-prem host', facts({ ...hybridFields, senderAdCheck: '2' }), 'unknown'],
    ['SenderADCheck 0', facts({ senderAdCheck: '0' }), 'forwarded'],
    ['from the Internet', facts({ authAs: 'anonymous', entity: 'internet' }), 'forwarded'],
    ['from the Internet, with all marks of a mailbox user', facts({ entity: 'internet' }), 'forwarded'],
    ['SRS', facts({}, srs), 'forwarded'],
    ['SRS from an on-prem host', facts(hybridFields, srs), 'forwarded'],
    ['the relay pool', facts({}, { connection: { ...m365, relayPool: true } }), 'forwarded'],
    [
      'a report from the relay pool',
      facts({}, { ...nullPath, report: true, connection: { ...m365, relayPool: true } }),
      'forwarded',
    ],
    ['a report', facts({}, { ...nullPath, report: true }), 'notification'],
    ['an automatic reply', facts({}, { ...nullPath, automatic: true }), 'notification'],
    ['a report with entity absent', facts({ entity: null }, { ...nullPath, report: true }), 'notification'],
    ['a report with SenderADCheck 2', facts({ senderAdCheck: '2' }, { ...nullPath, report: true }), 'unknown'],
    ['a report that came from the Internet', facts({ entity: 'internet' }, { ...nullPath, report: true }), 'forwarded'],
    ['a report of an on-prem host', facts(hybridFields, { ...nullPath, report: true }), 'hybrid'],
    ['a report without AuthAs', facts({ authAs: null }, { ...nullPath, report: true }), 'unknown'],
    ['null-path mail of no such shape', facts({}, nullPath), 'hosted'],
    ['an automatic reply with a reverse-path', facts({}, { automatic: true }), 'hosted'],
    ['no stamps at all', { ...facts({}), m365: null }, 'unknown'],
  ] as const)('%s', (_, given, wanted) => {
    expect(classOf(given)).toBe(wanted)
  })
})

describe('classOf elsewhere', () => {
  it.each([
    ['an account', { connection: account, m365: null }, 'hosted'],
    ['a report of an account', { connection: account, m365: null, ...nullPath, report: true }, 'notification'],
    ['null-path mail of an account', { connection: account, m365: null, ...nullPath }, 'hosted'],
    ['SRS of an account', { connection: account, m365: null, ...srs }, 'forwarded'],
    ['a certificate', { connection: { kind: 'mtls', fingerprint: proven('x'), source }, m365: null }, 'hosted'],
    ['an address', { connection: { kind: 'network', address: proven(ip('192.0.2.1')), source }, m365: null }, 'hosted'],
    ['nobody', { connection: { kind: 'unproven', because: 'x' }, m365: null }, 'unknown'],
    ['a failed look-up', { connection: { kind: 'lookup-failed', because: 'x' }, m365: null }, 'unknown'],
    ['ourselves', { connection: { kind: 'self', operator: proven('relay.example') }, m365: null }, 'notification'],
  ] as const)('%s', (_, changes, wanted) => {
    expect(classOf(facts({}, changes))).toBe(wanted)
  })
})

describe('isSrsShaped', () => {
  it.each([
    'SRS0=HHH=TT=example.org=alice',
    'srs0+HHH=TT=example.org=alice',
    'SRS1=HHH=forwarder.example==HHH=TT=example.org=alice',
    'bounces+SRS=3OZRP=TY',
    'alice+srs=3OZRP=TY=example.org=bob',
  ])('holds %s', (localPart) => {
    expect(isSrsShaped(localPart)).toBe(true)
  })
  it.each(['alice', 'srs', 'srs0', 'alice+news', 'prvs=1234=alice', 'mysrs0=x', 'bounce+srs'])(
    'leaves %s',
    (localPart) => {
      expect(isSrsShaped(localPart)).toBe(false)
    },
  )
})
