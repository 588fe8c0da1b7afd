import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { messageFor } from '../drills/message.ts'
import { type Receiver, startReceiver } from '../drills/receiver.ts'
import { type SmallWorld, createSmallWorld, plant } from '../drills/small-world.ts'
import { publishKeys } from '../world/world.ts'
import { SmtpClient } from '../world/smtp-client.ts'
import { until } from './instance.ts'

const bodyBytes = 500
const directory = mkdtempSync(join(tmpdir(), 'anechoic-workers-'))

let receiver: Receiver
let world: SmallWorld
beforeAll(async () => {
  receiver = await startReceiver(bodyBytes)
  world = await createSmallWorld({ deliverToPort: receiver.port, directory, configuration: { workers: 3 } })
}, 180_000)
afterEach(({ task }) => {
  if (task.result?.state === 'fail') process.stderr.write(`the product said:\n${world.product().log()}\n`)
})
afterAll(async () => {
  await world?.close()
  await receiver?.close()
  rmSync(directory, { recursive: true, force: true })
})

type Offered = { readonly recipient: string; readonly code: number; readonly text: string; readonly id: string }

let offered = 0

/** One message over a connection of its own. */
async function offer(from = plant): Promise<Offered> {
  const client = await SmtpClient.open({
    host: world.host,
    port: world.smtpPort,
    from,
    greeting: 'plant.acme.example',
  })
  const recipient = `to-${++offered}@dest.example`
  const message = messageFor(recipient, bodyBytes)
  const { code, text } = await client.send({ mailFrom: 'robot@acme.example', recipients: [recipient], message })
  await client.quit()
  return { recipient, code, text, id: / \(([0-9a-z]{16})\)$/.exec(text)?.[1] ?? '' }
}

function offerMany(count: number): Promise<readonly Offered[]> {
  return Promise.all(Array.from({ length: count }, () => offer()))
}

/** The shard of a decision id: which relay took the message. */
function shardOf({ id }: Offered): number {
  return '0123456789abcdefghjkmnpqrstvwxyz'.indexOf(id[10] ?? '')
}

async function takenByEach(): Promise<readonly Offered[]> {
  const taken: Offered[] = []
  await until(async () => {
    taken.push(...(await offerMany(6)))
    return new Set(taken.map(shardOf)).size === 3
  }, 'mail at every relay')
  return taken
}

function arrived(mail: readonly Offered[]): Promise<void> {
  return until(() => mail.every(({ recipient }) => receiver.copies.has(recipient)), 'all of it', 30_000)
}

function pids(name: string): readonly number[] {
  const all = world.product().processes()
  return all.filter((one) => one.name === name).map(({ pid }) => pid)
}

async function readiness(): Promise<string> {
  return fetch(`${world.product().httpUrl}/readyz`).then(
    (answer) => answer.text(),
    () => 'nobody answers',
  )
}

const mill = '127.0.0.12'

/** The policy of the small world, changed; it is live on all relays when this resolves. */
async function applyPolicy(change: (text: string) => string): Promise<void> {
  const file = join(directory, 'changed.yaml')
  writeFileSync(file, change(readFileSync(world.policyFile, 'utf8')))
  const applied = await world.product().cli('apply', file, '--yes')
  expect(applied.code, applied.err).toBe(0)
  await pause(1000)
}

/** A second source, with a limit of its own. */
function withMill(text: string): string {
  return `${text.replace('    grants:', `      - { id: mill, kind: network, networks: [${mill}/32] }\n    grants:`)}
      - { source: mill, domains: [acme.example], classes: [hosted], approvedBy: admin@acme.example, reason: the test,
          limits: { messagesPerHour: 100 } }
`
}

describe('three relays', { timeout: 180_000 }, () => {
  test('each takes mail on the one port, signs it with a signer of its own and delivers it', async () => {
    expect(pids('relay')).toHaveLength(3)
    await until(() => pids('signer').length === 3, 'three signers')
    const taken = await takenByEach()
    expect(taken.map(({ code }) => code)).toEqual(taken.map(() => 250))
    await arrived(taken)
    expect(receiver.unsigned + receiver.mangled).toBe(0)
    // One question for each shard, whoever is asked.
    const last = [0, 1, 2].map((shard) => taken.findLast((one) => shardOf(one) === shard))
    for (const one of last) {
      const story = await world.product().operations.why(one?.id ?? '', { replay: true })
      expect(story).toMatchObject({ verdict: 'relay', replay: { same: true } })
    }
    expect(await readiness()).toBe('ready\nrelay-0 takes mail\nrelay-1 takes mail\nrelay-2 takes mail')
  })

  test('one that is killed is back alone, and no connection is lost meanwhile', async () => {
    const before = pids('relay')
    const victim = before[1] ?? 0
    const meanwhile = offerMany(6)
    process.kill(victim, 'SIGKILL')
    const during = await Promise.all(Array.from({ length: 5 }, () => offerMany(6)))
    // Whoever was already talking to it hears nothing more; everybody else is served.
    await meanwhile.catch(() => null)
    expect(during.flat().map(({ code }) => code)).toEqual(during.flat().map(() => 250))
    await until(() => pids('relay').length === 3 && !pids('relay').includes(victim), 'another relay')
    expect(before.filter((pid) => pid !== victim).every((pid) => pids('relay').includes(pid))).toBe(true)
    await takenByEach()
  })

  test('a limit holds over all of them, exactly, under parallel load', async () => {
    await applyPolicy(withMill)
    await publishKeys(world.product(), world.zone)
    const shards = new Set<number>()
    let taken = 0
    let quietSince = performance.now()
    const work = async (): Promise<void> => {
      while (performance.now() - quietSince < 3_000) {
        const one = await offer(mill)
        if (one.text.includes('[key-not-ready]')) {
          quietSince = performance.now()
          continue
        }
        if (one.code !== 250) {
          expect(one.text).toMatch(/^4\.7\.0 \[rate-exceeded\]/)
          continue
        }
        taken++
        shards.add(shardOf(one))
        quietSince = performance.now()
      }
    }
    await Promise.all(Array.from({ length: 8 }, work))
    expect(taken).toBe(100)
    expect(shards.size).toBe(3)
  })

  test('a revoked grant is refused by every one of them within a second', async () => {
    await applyPolicy((text) => text.replace(/ {4}grants:[^]*$/, ''))
    const said = await offerMany(18)
    expect(said.every(({ text }) => text.includes('[tenant-not-authorised]'))).toBe(true)
    expect(new Set(said.map(shardOf)).size).toBe(3)
    await applyPolicy((text) => text)
  })

  test('with fewer of them, what waits in the queue of one that is no more is delivered all the same', async () => {
    receiver.mood = () => 'defer'
    const waiting = await takenByEach()
    const listed = await world.product().json('queue', 'list')
    expect(JSON.stringify(listed)).toContain(waiting.find((one) => shardOf(one) === 2)?.id)
    const file = join(directory, 'anechoic.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('workers: 3', 'workers: 1'))
    process.kill(world.product().pid, 'SIGHUP')
    const adopted = 'a shard without a relay of its own is delivered'
    await until(() => world.product().log().includes(adopted), 'the shards', 60_000)
    receiver.mood = () => 'take'
    await until(() => pids('relay').length === 1, 'one relay', 30_000)
    await arrived(waiting.filter((one) => shardOf(one) > 0))
    const [own] = await offerMany(1)
    expect(own === undefined ? null : [own.code, shardOf(own)]).toEqual([250, 0])
    await until(() => world.product().log().includes('is empty, and closed'), 'an empty shard', 30_000)
    const story = await world.product().operations.why(waiting.find((one) => shardOf(one) === 2)?.id ?? '', {
      replay: false,
    })
    expect(story?.events.map(({ kind }) => kind)).toContain('delivered')
  })

  test('and with three again all of them take mail; SIGTERM ends all', async () => {
    const file = join(directory, 'anechoic.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('workers: 1', 'workers: 3'))
    process.kill(world.product().pid, 'SIGHUP')
    await until(async () => (await readiness()).match(/takes mail/g)?.length === 3, 'three relays', 90_000)
    await takenByEach()
    const running = world.product()
    expect(await running.stop()).toBe(0)
    expect(running.processes()).toHaveLength(1)
  })
})
