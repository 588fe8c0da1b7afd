import { describe, expect, it } from 'vitest'
import { readZone, zoneResolver } from '../../../platform/dns-zone.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { parseIp } from '../../../standards/names/ip.ts'
import { verifySpf } from './spf.ts'
import { type SpfCase, readMailAuthSuite, readRfc7208Suite } from './testing/spf-suites.ts'
import { vectorsArePresent } from './testing/vectors.ts'

async function answerTo(one: SpfCase) {
  const ip = parseIp(one.ip)
  const zone = readZone(one.zone)
  if (isSyntaxFault(ip) || isSyntaxFault(zone)) throw new Error(`the case cannot be read: ${one.name}`)
  return verifySpf({ ip, helo: one.helo, mailFrom: one.mailFrom }, zoneResolver(zone), 0, 'receiver.example')
}

describe.runIf(vectorsArePresent).each([
  ['rfc7208', readRfc7208Suite],
  ['mail-auth', readMailAuthSuite],
])('SPF of the suite %s', (_, read) => {
  it.each(vectorsArePresent ? read().map((one) => [one.name, one] as const) : [])('%s', async (_, one) => {
    const { result, explanation } = await answerTo(one)
    expect(one.results).toContain(result)
    if (one.explanation !== null) expect(explanation ?? 'DEFAULT').toBe(one.explanation)
  })
})
