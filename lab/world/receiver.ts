import { authenticate } from 'mailauth'
import { type Taken, startSmtpServer, unstuffed } from './smtp-server.ts'
import type { Zone } from './zone.ts'

/** A message as the receiver got it, and what its checks said: the words of RFC 8601. */
export type Arrival = {
  readonly mailFrom: string
  readonly recipients: readonly string[]
  /** The octets after dots were unstuffed. */
  readonly message: Buffer
  readonly text: string
  readonly spf: string
  readonly dkim: readonly {
    readonly domain: string
    readonly selector: string
    readonly algorithm: string
    readonly result: string
  }[]
  readonly dmarc: string
  /** Whether what came over the wire held a CR or LF of its own. */
  readonly cleanLines: boolean
}

export type Receiver = {
  readonly port: number
  readonly arrivals: readonly Arrival[]
  /** Waits until `count` messages have come since the start, or until `withinMs` is over; resolves to all that came. */
  waitFor(count: number, withinMs?: number): Promise<readonly Arrival[]>
  /** Whether every recipient is put off with 451 from now on; switching it on starts the count of `deferrals` anew. */
  deferEverything(on: boolean): void
  deferrals(): number
  close(): Promise<void>
}

/**
 * A receiver on loopback that checks SPF, DKIM and DMARC against the zone, as the big receivers do, and takes everything but mail to
 * local parts that end in `.refused`.
 */
export async function startReceiver(options: {
  readonly zone: Zone
  readonly name: string
  /** A free one when left out. */
  readonly port?: number
}): Promise<Receiver> {
  const arrivals: Arrival[] = []
  const waiting = new Set<() => void>()
  let deferrals: number | null = null
  const server = await startSmtpServer({
    name: options.name,
    port: options.port ?? 0,
    atRcpt: (recipient) => {
      if (deferrals !== null) return `451 4.7.1 come back later (${++deferrals})`
      return /\.refused@/.test(recipient) ? '550 5.1.1 there is no such mailbox' : null
    },
    atEndOfData: async (taken) => {
      arrivals.push(await judge(taken, options.zone))
      for (const wake of waiting) wake()
      return '250 2.0.0 taken'
    },
  })
  return {
    port: server.port,
    arrivals,
    waitFor: async (count, withinMs = 5000) => {
      const deadline = Date.now() + withinMs
      while (arrivals.length < count && Date.now() < deadline) await nextArrival(waiting, deadline - Date.now())
      return arrivals
    },
    deferEverything: (on) => {
      deferrals = on ? 0 : null
    },
    deferrals: () => deferrals ?? 0,
    close: () => server.close(),
  }
}

async function nextArrival(waiting: Set<() => void>, withinMs: number): Promise<void> {
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      waiting.delete(wake)
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(wake, withinMs)
    waiting.add(wake)
  })
}

async function judge(taken: Taken, zone: Zone): Promise<Arrival> {
  const message = unstuffed(taken.raw)
  const checks = await authenticate(message, {
    ip: taken.client,
    helo: taken.greeting,
    sender: taken.mailFrom,
    mta: 'receiver.example',
    resolver: (name: string, type: string) => lookUp(zone, name, type),
  })
  const signatures = checks.dkim.results.filter((one) => one.signingDomain !== undefined)
  return {
    mailFrom: taken.mailFrom,
    recipients: [...taken.recipients],
    message,
    text: message.toString('latin1'),
    spf: checks.spf === false ? 'none' : checks.spf.status.result,
    dkim: signatures.map((one) => ({
      domain: String(one.signingDomain),
      selector: String(one.selector),
      algorithm: String(one.algo),
      result: one.status.result,
    })),
    dmarc: checks.dmarc === false ? 'permerror' : checks.dmarc.status.result,
    cleanLines: !/\r(?!\n)|(?<!\r)\n|\0/.test(taken.raw),
  }
}

/** The zone as mailauth's resolver: an absent name or type throws as node:dns does. */
async function lookUp(zone: Zone, name: string, type: string): Promise<never> {
  const found = Object.hasOwn(zone, name.toLowerCase()) ? zone[name.toLowerCase()] : undefined
  if (found?.CNAME !== undefined) return lookUp(zone, found.CNAME, type)
  const records = recordsOf(found, type)
  // The oracle types its answers by record type; what it gets is exactly what node:dns would give.
  if (records.length > 0) return records as never
  const code = found === undefined ? 'ENOTFOUND' : found.otherwise === undefined ? 'ENODATA' : 'ESERVFAIL'
  throw Object.assign(new Error(`${code} ${name}`), { code })
}

function recordsOf(found: Zone[string] | undefined, type: string): readonly unknown[] {
  switch (type) {
    case 'TXT':
      return (found?.TXT ?? []).map((text) => [text])
    case 'MX':
      return (found?.MX ?? []).map(({ preference, exchange }) => ({ priority: preference, exchange }))
    case 'A':
      return found?.A ?? []
    case 'AAAA':
      return found?.AAAA ?? []
    case 'PTR':
      return found?.PTR ?? []
    default:
      return []
  }
}
