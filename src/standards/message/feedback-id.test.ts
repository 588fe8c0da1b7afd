import { describe, expect, it } from 'vitest'
import type { Domain } from '../names/domain.ts'
import { formatFeedbackId, readFeedbackId, senderNameOf, senderOf } from './feedback-id.ts'

describe('Feedback-ID', () => {
  it.each([
    ['relay.example.net', /^relayexamplenet$/],
    ['a.b', /^ab[0-9a-f]{6}$/],
    ['outbound.relay.example.net', /^outboundr[0-9a-f]{6}$/],
  ])('names the sender of %s by 5 to 15 letters and digits', (domain, expected) => {
    expect(senderNameOf(domain as Domain)).toMatch(/^[a-z0-9]{5,15}$/)
    expect(senderNameOf(domain as Domain)).toMatch(expected)
  })

  it('tells two long domains that begin alike apart', () => {
    const [one, other] = ['one', 'two'].map((word) => senderNameOf(`outbound.relay.${word}.example.net` as Domain))
    expect(one).not.toBe(other)
  })

  it('reads what it writes, and nobody else’s', () => {
    const id = { customer: 'acme', source: 'acme-crm', class: 'hosted', sender: 'relayexamplenet' }
    expect(formatFeedbackId(id)).toBe('acme:acme-crm:hosted:relayexamplenet')
    expect(readFeedbackId(` ${formatFeedbackId(id)} `)).toEqual(id)
    for (const foreign of ['', 'a:b', 'a:b:c:d:e', 'a:b:c:', '::1.eu-west-1.x=:AmazonSES', 'a b:c:d:e']) {
      expect(readFeedbackId(foreign)).toBeNull()
    }
    expect(senderOf('1.us-west-2.abc=:AmazonSES')).toBe('AmazonSES')
  })
})
