import { authenticate } from 'mailauth'
import { authenticatedMessage } from './authenticated-message.ts'
import { type Part, concurrently, measured } from './part.ts'

/** The same message, verified by mailauth with the same DNS at hand; BIMI, which has no counterpart here, left out. */
export const authenticatedByMailauth: Part = async ({ messages, connections }) => {
  const { message, peer, zone } = await authenticatedMessage()
  const resolver = (name: string): Promise<string[][]> => {
    const found = zone[name.toLowerCase()]
    return found === undefined
      ? Promise.reject(Object.assign(new Error(name), { code: 'ENOTFOUND' }))
      : Promise.resolve(found.TXT.map((text) => [text]))
  }
  const options = {
    ip: peer.ip,
    helo: peer.helo,
    sender: peer.mailFrom,
    mta: 'receiver.example',
    disableBimi: true,
    resolver,
  }
  const one = async (): Promise<void> => {
    const { spf, dkim, dmarc, arc } = await authenticate(message, options)
    const checks = [spf, dmarc, arc, ...dkim.results]
    const words = checks.map((check) => (check === false ? 'none' : check.status.result))
    if (words.length !== 5 || words.some((word) => word !== 'pass')) throw new Error(words.join())
  }
  await concurrently(Math.ceil(messages / 4), connections, one)
  return measured(messages, [], () => concurrently(messages, connections, one))
}
