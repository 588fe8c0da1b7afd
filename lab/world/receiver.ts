import { once } from 'node:events'
import { type Socket, createServer } from 'node:net'
import { authenticate } from 'mailauth'
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
  close(): Promise<void>
}

/** A receiver on loopback that takes everything and checks SPF, DKIM and DMARC against the zone, as the big receivers do. */
export async function startReceiver(options: { readonly zone: Zone; readonly name: string }): Promise<Receiver> {
  const arrivals: Arrival[] = []
  const waiting = new Set<() => void>()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
    serve(socket, options, (arrival) => {
      arrivals.push(arrival)
      for (const wake of waiting) wake()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the receiver has no port')
  return {
    port: address.port,
    arrivals,
    waitFor: async (count, withinMs = 5000) => {
      const deadline = Date.now() + withinMs
      while (arrivals.length < count && Date.now() < deadline) {
        await new Promise<void>((resolve) => {
          const wake = (): void => {
            waiting.delete(wake)
            clearTimeout(timer)
            resolve()
          }
          const timer = setTimeout(wake, deadline - Date.now())
          waiting.add(wake)
        })
      }
      return arrivals
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function serve(
  socket: Socket,
  options: { readonly zone: Zone; readonly name: string },
  arrived: (arrival: Arrival) => void,
): void {
  let pending = ''
  let inData = false
  let mailFrom = ''
  let recipients: string[] = []
  let greeting = ''
  let busy = Promise.resolve()
  const say = (line: string): void => void socket.write(`${line}\r\n`)
  say(`220 ${options.name} ESMTP`)
  socket.on('data', (data: Buffer) => {
    pending += data.toString('latin1')
    busy = busy.then(drain)
  })

  const drain = async (): Promise<void> => {
    for (;;) {
      if (inData) {
        const end = pending.startsWith('.\r\n') ? 0 : pending.indexOf('\r\n.\r\n')
        if (end === -1) return
        const raw = end === 0 ? '' : pending.slice(0, end + 2)
        pending = pending.slice(end + (end === 0 ? 3 : 5))
        inData = false
        arrived(
          await judge(raw, { mailFrom, recipients, greeting, client: socket.remoteAddress ?? '', zone: options.zone }),
        )
        say('250 2.0.0 taken')
        continue
      }
      const end = pending.indexOf('\r\n')
      if (end === -1) return
      const line = pending.slice(0, end)
      pending = pending.slice(end + 2)
      const verb = line.slice(0, 4).toUpperCase()
      if (verb === 'EHLO') {
        greeting = line.slice(5)
        say(`250-${options.name}\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 SIZE 100000000`)
      } else if (verb === 'MAIL') {
        mailFrom = /<(.*?)>/.exec(line)?.[1] ?? ''
        recipients = []
        say('250 2.1.0 ok')
      } else if (verb === 'RCPT') {
        recipients.push(/<(.*?)>/.exec(line)?.[1] ?? '')
        say('250 2.1.5 ok')
      } else if (verb === 'DATA') {
        inData = true
        say('354 go on')
      } else if (verb === 'QUIT') {
        say('221 2.0.0 bye')
        socket.end()
      } else say('250 2.0.0 ok')
    }
  }
}

type Delivery = {
  readonly mailFrom: string
  readonly recipients: readonly string[]
  readonly greeting: string
  readonly client: string
  readonly zone: Zone
}

async function judge(raw: string, delivery: Delivery): Promise<Arrival> {
  const message = Buffer.from(raw.replace(/(^|\r\n)\./g, '$1'), 'latin1')
  const checks = await authenticate(message, {
    ip: delivery.client,
    helo: delivery.greeting,
    sender: delivery.mailFrom,
    mta: 'receiver.example',
    resolver: (name: string, type: string) => lookUp(delivery.zone, name, type),
  })
  const signatures = checks.dkim.results.filter((one) => one.signingDomain !== undefined)
  return {
    mailFrom: delivery.mailFrom,
    recipients: [...delivery.recipients],
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
    cleanLines: !/\r(?!\n)|(?<!\r)\n|\0/.test(raw),
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
