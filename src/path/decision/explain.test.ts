import { describe, expect, test } from 'vitest'
import { claimed } from '../../standards/claim.ts'
import { decide, decideAtMail, recordOf } from './decide.ts'
import type { Decision } from './decision.ts'
import { explain } from './explain.ts'
import { replay } from './replay.ts'
import { asked, hosted, hostedMessage, hybrid, id, over, ownReport, proven } from './testing/evidence.ts'
import { acme, acmeWith, domain, evil, evilTenant, ip, policyOf } from './testing/policy.ts'

const told = (decision: Decision) => explain(id, recordOf(decision)).join('\n')

describe('a decision told in words', () => {
  test('the spoof: who it was, whom it named, and what would make it pass', () => {
    const evidence = over(hosted, { m365: { tenant: proven(evilTenant), originator: proven(domain('evil.example')) } })
    const text = told(decide(asked({ evidence })))
    expect(text).toContain('refused for good; nothing was kept')
    expect(text).toContain('That is the provider, not the tenant.')
    expect(text).toContain(`Tenant ${evilTenant}, originator domain evil.example.`)
    expect(text).toContain('Author (From) <alice@acme.example>. Class hosted')
    expect(text).toContain('It concerns the customer acme, from the source evil-m365, without a grant.')
    expect(text).toContain('Rule tenant-not-authorised: The owner of the domain has not authorised this source.')
    expect(text).toContain(
      `Because: tenant ${evilTenant} with originator evil.example is a source of evil; acme.example is owned by acme.`,
    )
    expect(text).toContain(
      `Said on the wire: 550 5.7.1 [tenant-not-authorised] the owner of acme.example has not authorised this source (${id})`,
    )
    expect(text).toContain('Who can do it: the owner of the domain.')
  })

  test('claims of an unproven connection are named as worth nothing', () => {
    const evidence = {
      ...over(hosted, { connection: { kind: 'unproven', because: '192.0.2.66 is in no list' } }),
      m365: null,
      claims: {
        tenant: claimed('3dd8961f-e488-4e60-8e11-a82d994e183d', 'header'),
        originator: claimed('acme.example', 'header'),
      },
    }
    const text = told(decide(asked({ evidence })))
    expect(text).toContain('Nobody: 192.0.2.66 is in no list.')
    expect(text).toContain('What was claimed, and ignored')
    expect(text).toContain('A field named the originator acme.example; on this connection anybody can write that.')
  })

  test('the way of mail that was accepted, held or written here', () => {
    expect(told(decide(asked({ evidence: hybrid })))).toContain('by the host 198.51.100.7 of tenant')
    const held = decide(asked({ standing: { suspended: null, hold: { reason: 'incident 12' } } }))
    expect(told(held)).toContain('A hold was in force: incident 12.')
    expect(told(decide(asked({ evidence: ownReport })))).toContain('This relay itself: a notification of ours.')
  })

  test('the path that Received names is told, as a claim', () => {
    const hop = { from: null, address: null, by: null, with: null, at: null }
    const received = [{ ...hop, from: 'edge.example' }, { ...hop, address: ip('192.0.2.66') }, hop]
    const text = told(decide(asked({ evidence: over(hosted, { message: { received } }) })))
    expect(text).toContain(
      'say it came from edge.example, before that 192.0.2.66, before that unnamed; they are recorded and prove nothing.',
    )
  })

  test('text of the peer cannot paint over the rest', () => {
    const evidence = {
      ...hosted,
      session: { ...hosted.session, greeting: claimed('evil\u001b[2J\r\nDecision: accepted', 'greeting') },
      message: { ...hostedMessage, subject: '\u202ereversed', author: { kind: 'malformed', reason: 'x' } as const },
    }
    const lines = explain(id, recordOf(decide(asked({ evidence }))))
    for (const line of lines) expect(line).not.toMatch(/\p{C}/u)
    expect(lines.join('\n')).toContain(
      'calling itself evil\\x1b[2J\\x0d\\x0aDecision: accepted (a name proves nothing)',
    )
  })
})

describe('a decision judged again', () => {
  test('is the same under its own policy, and another under another', () => {
    const record = recordOf(decide(asked()))
    expect(replay(id, record, policyOf([acme, evil]))).toEqual({ verdict: 'relay', rule: 'accepted', same: true })
    expect(replay(id, record, policyOf([acmeWith({ grants: [] })]))).toEqual({
      verdict: 'refuse',
      rule: 'tenant-not-authorised',
      same: false,
    })
  })

  test('at MAIL is judged as at MAIL', () => {
    const evidence = {
      ...over(hosted, { connection: { kind: 'unproven', because: 'nobody' } }),
      m365: null,
      message: null,
    }
    const decision = decideAtMail(asked({ evidence }))
    if (decision === null) throw new Error('not refused')
    expect(replay(id, recordOf(decision), policyOf([acme]))).toEqual({
      verdict: 'refuse',
      rule: 'source-unproven',
      same: true,
    })
    expect(told(decision)).toContain('at MAIL, before the message was sent')
    const proven = { ...recordOf(decision), evidence: { ...hosted, message: null } }
    expect(replay(id, proven, policyOf([acme]))).toEqual({ verdict: null, rule: null, same: false })
  })

  test('a fault of ours is one again', () => {
    const record = recordOf(decide(asked({ systemFault: 'the shard does not answer' })))
    expect(replay(id, record, policyOf([acme, evil]))).toEqual({ verdict: 'defer', rule: 'system-fault', same: true })
  })

  test('a throw is the same fault again, though nothing throws on replay', () => {
    const policy = {
      ...policyOf([acme]),
      customers: {
        get: () => {
          throw new Error('torn')
        },
      } as never,
    }
    const record = recordOf(decide(asked({ policy })))
    expect(record.systemFault).toBe('torn')
    expect(replay(id, record, policyOf([acmeWith({ grants: [] })])).same).toBe(true)
  })

  test('without a policy it is deferred as before', () => {
    const record = recordOf(decide(asked({ policy: null })))
    expect(record.policyVersion).toBe(0)
    expect(replay(id, record, null)).toEqual({ verdict: 'defer', rule: 'lookup-failed', same: true })
  })

  test('a suppressed recipient stays suppressed', () => {
    const policy = policyOf([acme])
    const suppressed = { customer: 'acme', recipients: ['bob@receiver.example'] }
    const record = recordOf(decide(asked({ policy, suppressed })))
    expect(record.reply).toContain('[suppressed] bob@receiver.example is on the suppression list')
    expect(replay(id, record, policy).same).toBe(true)
  })
})
