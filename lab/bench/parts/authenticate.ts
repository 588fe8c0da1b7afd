import { authenticate } from '../../../src/path/evidence/authentication/index.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { readZone, zoneResolver } from '../../../src/platform/dns-zone.ts'
import { isSyntaxFault } from '../../../src/standards/fault.ts'
import { parseIp } from '../../../src/standards/names/ip.ts'
import { authenticatedMessage } from './authenticated-message.ts'
import { type Part, concurrently, measured } from './part.ts'

/** SPF, two DKIM signatures, DMARC and one ARC set of a message of 10 KB, its DNS at hand. */
export const authenticated: Part = async ({ messages, connections }) => {
  const { message, peer, zone: records } = await authenticatedMessage()
  const zone = readZone(records)
  const ip = parseIp(peer.ip)
  if (isSyntaxFault(zone) || isSyntaxFault(ip)) throw new Error('the message cannot be verified')
  const world = { resolver: zoneResolver(zone), clock: systemClock, receiver: 'receiver.example' }
  const one = async (): Promise<void> => {
    const { spf, dkim, dmarc, arc } = await authenticate(message, { ...peer, ip }, world)
    const words = [spf.result, dmarc.result, arc.result, ...dkim.map(({ result }) => result)]
    if (words.length !== 5 || words.some((word) => word !== 'pass')) throw new Error(words.join())
  }
  await concurrently(Math.ceil(messages / 4), connections, one)
  return measured(messages, [], () => concurrently(messages, connections, one))
}
