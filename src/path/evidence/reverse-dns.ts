import { type Dns, isDnsTrouble } from '../../platform/dns.ts'
import { isSyntaxFault } from '../../standards/fault.ts'
import { isAtOrBelow, parseDomain } from '../../standards/names/domain.ts'
import type { IpAddress } from '../../standards/names/ip.ts'
import { m365ReverseDomain } from '../../standards/providers/index.ts'

export type ReverseResult = 'pass' | 'fail' | 'unavailable'

/** A host has one name; a PTR set of many is not followed to its end. */
const maxNames = 5
const rememberFor = 300_000
const maxRemembered = 10_000

/** Forward-confirmed reverse DNS for Exchange Online: one of the PTR names is Microsoft's and resolves back to the address (RFC 8601 §2.7.3 `iprev`). */
export class ReverseDns {
  readonly #dns: Dns
  readonly #known = new Map<IpAddress, { readonly result: ReverseResult; readonly until: number }>()

  constructor(dns: Dns) {
    this.#dns = dns
  }

  /** `now` in milliseconds since the epoch. Trouble is not remembered. */
  async check(address: IpAddress, now: number): Promise<ReverseResult> {
    const known = this.#known.get(address)
    if (known !== undefined && now < known.until) return known.result
    const result = await this.#ask(address)
    if (result !== 'unavailable') {
      if (this.#known.size >= maxRemembered) this.#known.clear()
      this.#known.set(address, { result, until: now + rememberFor })
    }
    return result
  }

  async #ask(address: IpAddress): Promise<ReverseResult> {
    const names = await this.#dns.ptr(address)
    if (isDnsTrouble(names)) return 'unavailable'
    let trouble = false
    for (const text of names.slice(0, maxNames)) {
      const name = parseDomain(text)
      if (isSyntaxFault(name) || !isAtOrBelow(name, m365ReverseDomain)) continue
      const addresses = await this.#dns.addresses(name, address.includes(':') ? 6 : 4)
      if (isDnsTrouble(addresses)) trouble = true
      else if (addresses.includes(address)) return 'pass'
    }
    return trouble ? 'unavailable' : 'fail'
  }
}
