import { once } from 'node:events'
import { type Socket, createServer } from 'node:net'
import { startDnsServer } from '../../world/dns-server.ts'
import { addressOf, destinationsOf, liveAddresses, zoneOf } from './destinations.ts'

/**
 * A process that plays all receivers of the bench and their DNS: those that take everything, those that never greet, and those that take ten
 * seconds over each answer. It tells its parent when each marked message arrived.
 */

export type ToServers = { readonly port: number; readonly destinations: number; readonly dead: number }
export type FromServers =
  | { readonly listening: true; readonly dns: string }
  /** Marks and moments (milliseconds since the epoch) of messages since the last time, and how many there were in all. */
  | { readonly arrivals: readonly (readonly [mark: string, at: number])[]; readonly taken: number }

const slowMs = 10_000
const tellEveryMs = 200

let taken = 0
let arrivals: [string, number][] = []

process.on('disconnect', () => process.exit())
process.on('message', (asked: ToServers) => {
  void begin(asked).then((dns) => process.send?.({ listening: true, dns } satisfies FromServers))
})

async function begin({ port, destinations, dead }: ToServers): Promise<string> {
  for (const address of liveAddresses) await listen(address, port, (socket) => receive(socket, 0))
  await listen(addressOf.silent, port, (socket) => socket.resume())
  await listen(addressOf.slow, port, (socket) => receive(socket, slowMs))
  setInterval(() => {
    process.send?.({ arrivals, taken } satisfies FromServers)
    arrivals = []
  }, tellEveryMs)
  return (await startDnsServer(zoneOf(destinationsOf(destinations, dead)))).address
}

async function listen(host: string, port: number, serve: (socket: Socket) => void): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => undefined)
    serve(socket)
  })
  server.listen({ host, port, backlog: 1024 })
  await once(server, 'listening')
}

/** Speaks as much SMTP as the relay needs to hear. */
function receive(socket: Socket, delay: number): void {
  let pending = ''
  let inData = false
  const say = (reply: string): void => {
    if (delay === 0) socket.write(reply)
    else setTimeout(() => socket.write(reply), delay)
  }
  say('220 sink.example ESMTP\r\n')
  socket.on('data', (data: Buffer) => {
    pending += data.toString('latin1')
    for (;;) {
      const end = inData ? pending.indexOf('\r\n.\r\n') : pending.indexOf('\r\n')
      if (end === -1) return
      const text = pending.slice(0, end)
      pending = pending.slice(end + (inData ? 5 : 2))
      if (inData) {
        inData = false
        note(text)
        say('250 2.0.0 taken\r\n')
      } else {
        const verb = text.slice(0, 4).toUpperCase()
        inData = verb === 'DATA'
        say(answers[verb] ?? '250 2.0.0 ok\r\n')
        if (verb === 'QUIT') socket.end()
      }
    }
  })
}

const answers: { readonly [verb: string]: string } = {
  EHLO: '250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n',
  DATA: '354 go on\r\n',
  QUIT: '221 2.0.0 bye\r\n',
}

function note(message: string): void {
  taken++
  const mark = /^X-Mark: (\S+)/m.exec(message)?.[1]
  if (mark !== undefined) arrivals.push([mark, Date.now()])
}
