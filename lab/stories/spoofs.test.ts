import { describe, expect, test } from 'vitest'
import type { Arrival } from '../world/receiver.ts'
import { signedSpoofs } from './spoofs.ts'
import type { Expectation } from './story.ts'

describe('a signed spoof is counted', () => {
  const stories = [
    named('01-honest', { signedFor: 'acme.example' }),
    named('20-attack', { refused: 'tenant-not-authorised' }),
    named('60-both', { told: 'one of two is signed', arrivals: 2, signed: 1 }),
  ]
  const honest = arrival('01-honest@receiver.example', 'acme.example')

  test('when the message of an attack carries a signature, whether it verifies or not', () => {
    const spoof = arrival('20-attack@receiver.example', 'acme.example', 'fail')
    expect(signedSpoofs([honest, spoof], stories)).toEqual([spoof])
  })

  test('when an attack reaches another address of its own', () => {
    const spoof = arrival('20-attack.smuggled@receiver.example', 'acme.example')
    expect(signedSpoofs([spoof], stories)).toEqual([spoof])
  })

  test('when it reaches somebody of no story', () => {
    const spoof = arrival('20-attacks@receiver.example', 'acme.example')
    expect(signedSpoofs([spoof], stories)).toEqual([spoof])
  })

  test('when an honest message comes twice, or is signed for somebody else', () => {
    const other = arrival('01-honest@receiver.example', 'globex.example')
    expect(signedSpoofs([honest, honest], stories)).toEqual([honest])
    expect(signedSpoofs([other], stories)).toEqual([other])
  })

  test('when more of a mixed story are signed than it says', () => {
    const signed = arrival('60-both@receiver.example', 'acme.example')
    const unsigned = { ...signed, dkim: [] }
    expect(signedSpoofs([unsigned, signed], stories)).toEqual([])
    expect(signedSpoofs([signed, signed], stories)).toEqual([signed])
  })

  test('and nothing else is', () => {
    const unsigned = { ...arrival('20-attack@receiver.example', 'acme.example'), dkim: [] }
    expect(signedSpoofs([honest, unsigned], stories)).toEqual([])
  })
})

function named(name: string, expected: Expectation) {
  const said = { code: 250, text: 'ok' }
  return { name, story: { title: name, shows: name, expect: expected, play: async () => ({ sent: name, said }) } }
}

function arrival(recipient: string, domain: string, result = 'pass'): Arrival {
  return {
    mailFrom: 'ann@acme.example',
    recipients: [recipient],
    message: Buffer.alloc(0),
    text: '',
    spf: 'pass',
    dkim: [{ domain, selector: 's', algorithm: 'rsa-sha256', result }],
    dmarc: 'pass',
    cleanLines: true,
  }
}
