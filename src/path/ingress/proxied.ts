import { isSyntaxFault } from '../../standards/fault.ts'
import { type ProxyHeader, readProxyHeader } from '../../standards/proxy-protocol/index.ts'
import type { Wire } from './wire.ts'

/** A proxy sends its header at once; a retransmission or two of its packet may come between (PROXY protocol §2). */
const headerWithinMs = 10_000

/** Where a client behind a proxy is: null when the proxy speaks for itself. In words, why there is no conversation. */
export type Proxied = ProxyHeader['client'] | string

/** Takes the PROXY protocol's header from the start of a connection; what follows it stays to be read. */
export async function takeProxyHeader(wire: Wire, idleMs: number): Promise<Proxied> {
  const deadline = performance.now() + Math.min(idleMs, headerWithinMs)
  let input: Buffer = Buffer.alloc(0)
  for (;;) {
    const read = await wire.readOpening(deadline)
    if (read.kind === 'stopped') return `the header did not come (${read.stop})`
    input = Buffer.concat([input, read.chunk])
    const header = readProxyHeader(input)
    if (header === null) continue
    if (isSyntaxFault(header)) return header.reason
    wire.unread(input.subarray(header.length))
    return header.client
  }
}
