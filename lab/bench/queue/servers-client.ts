import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { addressOf } from './destinations.ts'
import type { FromServers, ToServers } from './servers.ts'

/** The receivers of a bench and their DNS. */
export type Servers = {
  readonly dns: string
  readonly port: number
  /** When marked messages arrived, in milliseconds since the epoch. */
  readonly arrivals: ReadonlyMap<string, number>
  taken(): number
  stop(): void
}

export async function startServers(asked: ToServers): Promise<Servers> {
  const child = fork(new URL('./servers.ts', import.meta.url))
  const blackhole = await startBlackhole(asked.port)
  const arrivals = new Map<string, number>()
  let taken = 0
  const leave = (): void => {
    child.kill('SIGKILL')
    blackhole.kill('SIGKILL')
  }
  process.once('exit', leave)
  const dns = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error('the servers of the bench ended')))
    child.on('message', (said: FromServers) => {
      if ('listening' in said) {
        resolve(said.dns)
        return
      }
      taken = said.taken
      for (const [mark, at] of said.arrivals) arrivals.set(mark, at)
    })
    child.send(asked)
  })
  return {
    dns,
    port: asked.port,
    arrivals,
    taken: () => taken,
    stop: () => {
      process.off('exit', leave)
      leave()
    },
  }
}

/** Listens and then stands still with a full queue of connections, so that the kernel drops what would be another one. */
async function startBlackhole(port: number): Promise<ChildProcess> {
  const text = `import { createServer } from 'node:net'
    createServer().listen({ host: '${addressOf.blackhole}', port: ${port}, backlog: 1 }, () => process.send('listening'))`
  const child = fork('-', { execArgv: ['--input-type=module', '--eval', text] })
  await once(child, 'message')
  child.kill('SIGSTOP')
  await pause(50)
  for (let filled = 0; filled < 8; filled++)
    connect(port, addressOf.blackhole)
      .on('error', () => undefined)
      .unref()
  return child
}
