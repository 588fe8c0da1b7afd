import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  copyFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KeyRow, RotatedKey } from '../../src/doors/operations.ts'
import { freePort } from '../world/free-port.ts'
import { type SmallWorld, createSmallWorld, plant } from '../drills/small-world.ts'
import { type Arrival, type Receiver, startReceiver } from '../world/receiver.ts'
import { SmtpClient, type SmtpReply } from '../world/smtp-client.ts'
import { publishKeys } from '../world/world.ts'

/*
 * The life of keys, told in order in one world: two sources of one customer, each with a key of its own, and a receiver that verifies.
 */

const annex = '127.0.0.11'
const directory = mkdtempSync(join(tmpdir(), 'anechoic-keys-'))
let world: SmallWorld
let receiver: Receiver

const policy = `customers:
  - id: acme
    domains: [{ name: acme.example, proof: asserted, approvedBy: admin@relay.lab.example, reason: the lab }]
    sources:
      - { id: plant, kind: network, networks: [${plant}/32] }
      - { id: annex, kind: network, networks: [${annex}/32] }
    grants:
${['plant', 'annex'].map((id) => `      - { source: ${id}, domains: [acme.example], classes: [hosted], approvedBy: a, reason: r, limits: { messagesPerHour: 100000 } }`).join('\n')}
`

beforeAll(async () => {
  const port = await freePort()
  world = await createSmallWorld({ deliverToPort: port })
  receiver = await startReceiver({ zone: world.zone, name: 'mx.receiver.example', port })
  const file = join(directory, 'policy.yaml')
  writeFileSync(file, policy)
  const applied = await world.product().cli('apply', file, '--yes')
  if (applied.code !== 0) throw new Error(applied.err)
  await publishKeys(world.product(), world.zone)
}, 120_000)
afterAll(async () => {
  await world.close()
  await receiver.close()
  rmSync(directory, { recursive: true, force: true })
})

let sent = 0

async function open(from: string): Promise<SmtpClient> {
  return SmtpClient.open({ host: world.host, port: world.smtpPort, from, greeting: 'host.acme.example' })
}

async function sendOn(client: SmtpClient): Promise<SmtpReply> {
  const message = `From: <robot@acme.example>\r\nTo: <reader@dest.example>\r\nSubject: ${++sent}\r\n\r\nbody\r\n`
  return client.send({ mailFrom: 'robot@acme.example', recipients: ['reader@dest.example'], message })
}

async function sendFrom(from: string): Promise<SmtpReply> {
  const client = await open(from)
  const answer = await sendOn(client)
  await client.quit()
  return answer
}

/** The message of one source, delivered; the receiver's word on it. */
async function deliveredFrom(from: string): Promise<Arrival> {
  const before = receiver.arrivals.length
  expect((await sendFrom(from)).code).toBe(250)
  const all = await receiver.waitFor(before + 1, 20_000)
  const last = all.at(-1)
  if (all.length !== before + 1 || last === undefined) throw new Error('the message did not arrive')
  return last
}

const passing = (arrival: Arrival): readonly string[] =>
  arrival.dkim.filter((one) => one.result === 'pass' && one.domain === 'acme.example').map((one) => one.selector)

const keys = (): Promise<readonly KeyRow[]> => world.product().operations.keys()
const states = async () => Object.fromEntries((await keys()).map((key) => [key.selector, key.state] as const))

async function publish(selector: string): Promise<void> {
  const key = (await keys()).find((one) => one.selector === selector)
  if (key === undefined) throw new Error(`no key ${selector}`)
  world.zone[key.record.name] = { TXT: [key.record.value] }
}

/** A change of policy is live within a second. */
const untilLive = (): Promise<void> => pause(1000)

test('rotation under load: not one message unsigned, wrongly signed or refused', { timeout: 120_000 }, async () => {
  const before = receiver.arrivals.length
  let over = false
  const load = async (): Promise<readonly SmtpReply[]> => {
    const client = await open(plant)
    const answers: SmtpReply[] = []
    while (!over) {
      answers.push(await sendOn(client))
      await pause(20)
    }
    await client.quit()
    return answers
  }
  const clients = [load(), load(), load()]
  const rotated = (await world.product().json('keys', 'rotate', '--source', 'plant')) as readonly RotatedKey[]
  expect(rotated.map(({ selector, outcome, next }) => [selector, outcome, next?.selector])).toEqual([
    ['a1-plant-r1', 'asked', 'a1-plant-r2'],
  ])
  await publish('a1-plant-r2')
  await world.product().operations.checkKeys()
  await untilLive()
  await pause(500)
  over = true
  const answers = (await Promise.all(clients)).flat()
  expect(answers.filter(({ code }) => code !== 250)).toEqual([])
  const arrived = (await receiver.waitFor(before + answers.length, 30_000)).slice(before)
  expect(arrived).toHaveLength(answers.length)
  const selectors = arrived.map((one) => passing(one).join())
  expect(new Set(selectors)).toEqual(new Set(['a1-plant-r1', 'a1-plant-r2']))
  // Once the new key has begun the old one does not come back, but for what was on its way at that moment.
  expect(selectors.slice(-3)).toEqual(['a1-plant-r2', 'a1-plant-r2', 'a1-plant-r2'])
  const [old] = (await keys()).filter((key) => key.selector === 'a1-plant-r1')
  expect([old?.state, old?.toDo]).toEqual(['retiring', expect.stringMatching(/^leave the record until \d{4}-/)])
  expect((await states())['a1-annex-r1']).toBe('active')
})

test('a new selector that never appears: the last good key goes on signing', { timeout: 60_000 }, async () => {
  const { operations } = world.product()
  await operations.rotateKeys({ domain: null, source: 'annex', dryRun: false, by: 'lab' })
  const checked = await world.product().cli('keys', 'check')
  expect(checked.code).toBe(1)
  expect(checked.out).toContain('shows no TXT record at a1-annex-r2._domainkey.acme.example')
  await untilLive()
  expect(passing(await deliveredFrom(annex))).toEqual(['a1-annex-r1'])
  expect(await states()).toMatchObject({ 'a1-annex-r1': 'active', 'a1-annex-r2': 'pending' })
})

test('revoke and replace for one source: the other goes on', { timeout: 120_000 }, async () => {
  const refused = await world.product().cli('keys', 'revoke', 'acme.example', 'a1-plant-r2')
  expect([refused.code, refused.out]).toEqual([2, ''])
  expect((await states())['a1-plant-r2']).toBe('active')
  const revoked = (await world.product().json('keys', 'revoke', 'acme.example', 'a1-plant-r2', '--yes')) as {
    readonly key: KeyRow
    readonly replacement: KeyRow
  }
  expect([revoked.key.state, revoked.key.record.value]).toEqual(['revoked', 'v=DKIM1; k=rsa; p='])
  // One of the two names may still be needed by mail on its way, the other is revoked: a third.
  expect([revoked.replacement.selector, revoked.replacement.state]).toEqual(['a1-plant-r3', 'pending'])
  await untilLive()
  const waiting = await sendFrom(plant)
  expect([waiting.code, waiting.text]).toEqual([451, expect.stringContaining('[key-not-ready]')])
  expect(passing(await deliveredFrom(annex))).toEqual(['a1-annex-r1'])

  world.zone[revoked.key.record.name] = { TXT: [revoked.key.record.value] }
  await publish('a1-plant-r3')
  await world.product().operations.checkKeys()
  await untilLive()
  expect(passing(await deliveredFrom(plant))).toEqual(['a1-plant-r3'])
  expect(passing(await deliveredFrom(annex))).toEqual(['a1-annex-r1'])
  expect((await keys()).find((key) => key.selector === 'a1-plant-r2')?.toDo).toBeNull()
})

const opendkim = '/usr/sbin/opendkim'
const opendkimIsThere = existsSync(opendkim) && existsSync('/usr/sbin/opendkim-genkey')

test.skipIf(!opendkimIsThere && process.env['CI'] !== 'true')(
  'a set-up of OpenDKIM is taken over: its key signs here, and OpenDKIM verifies',
  { timeout: 120_000 },
  async () => {
    const place = join(directory, 'opendkim')
    mkdirSync(place)
    execFileSync('/usr/sbin/opendkim-genkey', ['-b', '2048', '-d', 'acme.example', '-s', 'mail', '-D', place])
    writeFileSync(join(place, 'KeyTable'), `old %:mail:${place}/mail.private\n`)
    writeFileSync(join(place, 'SigningTable'), '*@acme.example old\n')
    writeFileSync(
      join(place, 'opendkim.conf'),
      `KeyTable refile:${place}/KeyTable\nSigningTable refile:${place}/SigningTable\n`,
    )
    const record = [...readFileSync(join(place, 'mail.txt'), 'utf8').matchAll(/"([^"]*)"/g)]
      .map(([, text]) => text)
      .join('')
    world.zone['mail._domainkey.acme.example'] = { TXT: [record] }

    const unclear = await world.product().cli('keys', 'import', '--opendkim', join(place, 'opendkim.conf'))
    expect([unclear.code, unclear.out]).toEqual([1, expect.stringContaining('say --source plant, or annex')])
    const taken = await world
      .product()
      .json('keys', 'import', '--opendkim', join(place, 'opendkim.conf'), '--source', 'annex')
    expect(taken).toEqual([
      { domain: 'acme.example', selector: 'mail', source: 'annex', state: 'active', what: 'its record is there' },
    ])
    await untilLive()
    const arrival = await deliveredFrom(annex)
    expect(passing(arrival)).toEqual(['mail'])
    expect(await states()).toMatchObject({
      'a1-annex-r1': 'retiring',
      'a1-annex-r2': 'retired',
      'a1-plant-r3': 'active',
    })

    writeFileSync(join(place, 'keys'), `mail._domainkey.acme.example ${record}\n`)
    writeFileSync(join(place, 'verify.conf'), `Mode v\nTestPublicKeys ${place}/keys\n`)
    writeFileSync(join(place, 'message.eml'), arrival.message)
    const verified = spawnSync(opendkim, ['-x', join(place, 'verify.conf'), '-t', join(place, 'message.eml')])
    const said = `${verified.stdout.toString()}${verified.stderr.toString()}`
    expect(said).toContain('verification (s=mail, d=acme.example')
    expect(said).not.toContain('failed')
  },
)

test(
  'keys in our zone: the owner publishes two aliases once, and no rotation needs him',
  { timeout: 120_000 },
  async () => {
    const { operations } = world.product()
    /** What a name server makes of a part of a zone file. */
    const serve = (file: string): void => {
      for (const [, name = '', type, data = ''] of file.matchAll(/^(\S+)\. IN (TXT|CNAME) (.*)$/gm)) {
        const text = [...data.matchAll(/"([^"]*)"/g)].map(([, string]) => string).join('')
        world.zone[name] = type === 'CNAME' ? { CNAME: data.replace(/\.$/, '') } : { TXT: [text] }
      }
    }
    const owners = await world.product().cli('keys', 'zone', '--domain', 'acme.example')
    expect(owners.out.match(/^a1-\S+ IN CNAME /gm)).toHaveLength(5)
    serve(owners.out)
    serve((await world.product().cli('keys', 'zone')).out)
    const { state } = (await operations.checkKeys()).find((key) => key.selector === 'a1-plant-r3') ?? {}
    expect(state).toBe('active')
    await operations.rotateKeys({ domain: null, source: 'annex', dryRun: false, by: 'lab' })
    // The owner did nothing; our zone was filled again.
    serve(await operations.keyZone({ domain: null, form: 'cname' }))
    await operations.checkKeys()
    const next = (await keys()).find((key) => key.source === 'annex' && key.state === 'active')
    expect(next?.selector).toMatch(/^a1-annex-r[12]$/)
    await untilLive()
    expect(passing(await deliveredFrom(annex))).toEqual([next?.selector])
  },
)

test('restored on an empty machine, mail is signed with the same selector', { timeout: 180_000 }, async () => {
  const backup = join(directory, 'backup')
  const selectors = passing(await deliveredFrom(plant))
  const made = await world.product().cli('backup', backup, '--ledger')
  expect([made.code, made.err]).toEqual([0, ''])
  expect(made.out).toContain('not in it: the wrapping key')
  expect(existsSync(join(backup, 'wrapping.key'))).toBe(false)
  const intoUsed = await world.product().cli('restore', backup)
  expect([intoUsed.code, intoUsed.err]).toEqual([2, expect.stringMatching(/in use|not empty/)])

  await world.product().stop()
  const lost = `${world.dataDir}.lost`
  renameSync(world.dataDir, lost)
  const restored = await world.product().cli('restore', backup)
  expect([restored.code, restored.err]).toEqual([1, expect.stringContaining('before the first start')])
  copyFileSync(join(lost, 'wrapping.key'), join(world.dataDir, 'wrapping.key'))
  const returnPathKey = readFileSync(join(world.dataDir, 'return-path.key'), 'utf8')
  expect(returnPathKey).toBe(readFileSync(join(lost, 'return-path.key'), 'utf8'))
  await world.restart()
  expect(passing(await deliveredFrom(plant))).toEqual(selectors)
  // What the queue before it counted does not hide what the new one counts.
  const refusal = await sendFrom('127.0.0.99')
  const id = /\(([0-9a-z]{16})\)/.exec(refusal.text)?.[1] ?? ''
  expect(await world.product().operations.why(id, { replay: false })).toMatchObject({ rule: 'source-unproven' })

  const damaged = join(backup, 'anechoic.db')
  writeFileSync(damaged, Buffer.concat([readFileSync(damaged), Buffer.from('x')]))
  const refused = await world.product().cli('restore', backup, '--dry-run')
  expect([refused.code, refused.err]).toEqual([2, expect.stringContaining('is not as it was')])
})

test(
  'wrapped anew while stopped, under another wrapping key, mail is signed as before',
  { timeout: 180_000 },
  async () => {
    const running = await world.product().cli('keys', 'rewrap', '--to', `file:${directory}/new.key`)
    expect([running.code, running.err]).toEqual([2, expect.stringContaining('stop it')])
    const selectors = passing(await deliveredFrom(plant))
    await world.product().stop()
    const done = await world.product().local('keys', 'rewrap', '--to', `file:${directory}/new.key`)
    expect([done.code, done.out]).toEqual([0, expect.stringMatching(/^\d keys are wrapped under file:/)])
    copyFileSync(join(directory, 'new.key'), join(world.dataDir, 'wrapping.key'))
    await world.restart()
    expect(passing(await deliveredFrom(plant))).toEqual(selectors)
  },
)
