import { networkInterfaces } from 'node:os'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { parseIp } from '../../../standards/names/ip.ts'

type Listener = { readonly address: string; readonly port: number }

/** Listeners with each wildcard replaced by all addresses of this machine, and `localhost` by its two: what a route to ourselves would name. */
export function expandListeners(listeners: readonly Listener[]): readonly Listener[] {
  return listeners.flatMap(({ address, port }) => addressesOf(address).map((one) => ({ address: one, port })))
}

function addressesOf(host: string): readonly string[] {
  if (host === '0.0.0.0') return local().filter((one) => !one.includes(':'))
  if (host === '::') return local()
  if (host === 'localhost') return ['127.0.0.1', '::1']
  const address = parseIp(host)
  return isSyntaxFault(address) ? [] : [address]
}

function local(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) =>
    (all ?? []).flatMap((one) => {
      const address = parseIp(one.address)
      return isSyntaxFault(address) ? [] : [address]
    }),
  )
}
