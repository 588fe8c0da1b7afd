import { type Dns, isDnsTrouble } from '../../../platform/dns.ts'
import { isLoopback } from '../../../standards/names/loopback.ts'
import type { EgressPool } from './pools.ts'

/** Whether receivers find the name of one of our addresses, and it the address again; what is wrong in words, or null. */
export type ReverseName = {
  readonly pool: string
  readonly address: string
  readonly ehlo: string
  readonly names: readonly string[]
  readonly wrong: string | null
}

/**
 * Looks up what receivers look up about each address of the pools: its names (PTR), one of which leads back to it and is what we say in EHLO
 * (RFC 1912 §2.1, RFC 5321 §4.1.4). Addresses of loopback have none to look for.
 */
export async function checkReverseNames(
  pools: Iterable<EgressPool>,
  hostname: string,
  dns: Pick<Dns, 'ptr' | 'addresses'>,
): Promise<readonly ReverseName[]> {
  const all = [...pools].flatMap((pool) => pool.addresses.map((one) => ({ pool: pool.name, ...one })))
  return Promise.all(
    all.map(async ({ pool, address, ehlo }): Promise<ReverseName> => {
      const about = { pool, address, ehlo: ehlo ?? hostname }
      if (isLoopback(address)) return { ...about, names: [], wrong: null }
      const found = await dns.ptr(address)
      if (isDnsTrouble(found)) return { ...about, names: [], wrong: `its name cannot be looked up: ${found.trouble}` }
      const names = found.map((name) => name.toLowerCase().replace(/\.$/, ''))
      return { ...about, names, wrong: await fault(about, names, dns) }
    }),
  )
}

async function fault(
  { address, ehlo }: Pick<ReverseName, 'address' | 'ehlo'>,
  names: readonly string[],
  dns: Pick<Dns, 'addresses'>,
): Promise<string | null> {
  if (names.length === 0) return 'it has no name (PTR): many receivers refuse mail from it'
  const family = address.includes(':') ? 6 : 4
  const confirmed: string[] = []
  for (const name of names.slice(0, 10)) {
    const addresses = await dns.addresses(name, family)
    if (!isDnsTrouble(addresses) && addresses.includes(address)) confirmed.push(name)
  }
  if (confirmed.length === 0) return `its name ${names[0] ?? ''} does not lead back to it`
  return confirmed.includes(ehlo) ? null : `it is ${confirmed[0] ?? ''}, and says ${ehlo} in EHLO`
}
