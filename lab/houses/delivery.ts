import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import type { Dns } from '../../src/platform/dns.ts'
import type { Customer } from '../../src/rooms/registry/policy.ts'
import type { LedgerEvent } from '../../src/rooms/ledger/index.ts'
import {
  type SignerClient,
  ensureWrappingKey,
  generateKeys,
  reducePolicy,
  startSigner,
} from '../../src/signer/index.ts'
import { sourceOf } from '../../src/signer/request.fixture.ts'
import { RelaxedBodyHash } from '../../src/standards/dkim/relaxed-body-hash.ts'
import { Secret } from '../../src/standards/secret.ts'
import {
  type Custody,
  type Entry,
  type QueueRow,
  type StoredMessage,
  openCustody,
} from '../../src/path/custody/index.ts'
import type { Recipient } from '../../src/path/custody/custody.ts'
import {
  type Decision,
  type DecisionId,
  DecisionIds,
  decide,
  rejudge,
  sealPermit,
} from '../../src/path/decision/index.ts'
import { type EvidenceChanges, hosted, mailbox, over, ownReport } from '../../src/path/decision/testing/evidence.ts'
import { acmeWith, operatorDomain, owned, policyOf } from '../../src/path/decision/testing/policy.ts'
import { type Delivery, startDelivery } from '../../src/path/delivery/delivery.ts'
import type { AdmittedOwn, DeliveryOptions, OwnMessage } from '../../src/path/delivery/room.ts'
import { type DeliverySettings, type Timeouts, defaultDelivery } from '../../src/path/delivery/settings.ts'

/** Delivery in its real surroundings: custody on disk, the decision room, a signer process. Only time and the world outside are the test's. */

export const quick: Timeouts = {
  connect: 1000,
  greeting: 500,
  hello: 500,
  tls: 500,
  mail: 500,
  rcpt: 500,
  data: 500,
  block: 1000,
  end: 500,
  quit: 100,
}

/** Retries that a test can wait for. */
export const fast = { first: 40, factor: 2, max: 200, giveUpAfter: 86_400_000 }

const lasting = {
  kind: 'asserted',
  approvedBy: 'admin@relay.example',
  reason: 'test',
  lapsesAt: Number.MAX_SAFE_INTEGER,
} as const

/** Acme, whose proof does not lapse. */
export const acme: Customer = acmeWith({ domains: [owned('acme', 'acme.example', { proof: lasting })] })

export type Letter = {
  readonly to?: readonly (string | Omit<Recipient, 'index'>)[]
  readonly header?: string
  readonly body?: string | readonly Buffer[]
  readonly evidence?: EvidenceChanges
  readonly envelope?: Partial<Entry['envelope']>
  readonly hold?: Entry['hold']
  /** Milliseconds before now at which it arrived. */
  readonly age?: number
  /** Whether delivery hears of it at once; otherwise it lies in custody only. */
  readonly offered?: boolean
}

export type Workshop = {
  readonly signer: SignerClient
  readonly sealKey: Secret<Buffer>
  readonly keys: Awaited<ReturnType<typeof generateKeys>>
  close(): Promise<void>
}

/** A signer process with keys for Acme. One serves a whole file of tests. */
export async function openWorkshop(): Promise<Workshop> {
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-delivery-keys-'))
  const wrapping = `file:${join(directory, 'wrapping.key')}`
  ensureWrappingKey(wrapping)
  const whose = { domain: 'acme.example', source: 'acme-m365', customer: 'acme' }
  const keys = await generateKeys(wrapping, [
    { ...whose, selector: 'rsa-1', algorithm: 'rsa-sha256' },
    { ...whose, selector: 'ed-1', algorithm: 'ed25519-sha256' },
  ])
  const sealKey = new Secret(randomBytes(32))
  const signer = startSigner({ wrapping, sealKey }, quiet)
  signer.follow(sourceOf({ version: 7, grants: [...reducePolicy([acme], operatorDomain)], keys }))
  await signer.ready()
  return {
    signer,
    sealKey,
    keys,
    close: async () => {
      await signer.close()
      rmSync(directory, { recursive: true })
    },
  }
}

export type House = {
  readonly delivery: Delivery
  readonly custody: Custody
  readonly admitOwn: DeliveryOptions['admitOwn']
  readonly directory: string
  /** What a test may change while it runs. */
  readonly world: {
    /** Added to the real time. */
    ahead: number
    customers: readonly Customer[]
    policyVersion: number
    /** Which keys are active: positions in the workshop's. */
    activeKeys: readonly number[]
    suspended: string | null
    signerAway: boolean
    reportsFail: boolean
  }
  now(): number
  /** Stores a message that the gate let pass, and offers it. */
  mail(letter?: Letter): Promise<DecisionId>
  events(kind?: LedgerEvent['kind']): Promise<readonly LedgerEvent[]>
  queue(): Promise<readonly QueueRow[]>
  /** Waits until nothing is queued or held. */
  empty(): Promise<void>
  close(): Promise<void>
}

export type HouseOptions = {
  readonly settings?: Partial<DeliverySettings>
  readonly dns?: Partial<Dns>
  readonly protections?: DeliveryOptions['protections']
  readonly directory?: string
  readonly random?: () => number
  readonly returnAddress?: DeliveryOptions['returnAddress']
  readonly suppressed?: DeliveryOptions['suppressed']
  readonly poolOf?: DeliveryOptions['poolOf']
  /** How receivers are treated; absent: by the settings' limits alone. */
  readonly shaping?: DeliveryOptions['shaping']
  /** Stands between delivery and custody, for faults of the disk. */
  readonly custody?: (real: Custody) => Custody
}

export async function openHouse(workshop: Workshop, options: HouseOptions = {}): Promise<House> {
  const directory = options.directory ?? mkdtempSync(join(tmpdir(), 'anechoic-delivery-'))
  const custody = await openCustody({ dataDir: directory, shard: 0, log: quiet, reserveBytes: 0 })
  const world: House['world'] = {
    ahead: 0,
    customers: [acme],
    policyVersion: 7,
    activeKeys: [0, 1],
    suspended: null,
    signerAway: false,
    reportsFail: false,
  }
  const now = () => Date.now() + world.ahead
  const ids = new DecisionIds(now, 0, Math.random)
  const policy = () =>
    policyOf(world.customers, {
      version: world.policyVersion,
      keys: world.activeKeys.flatMap((at) => (workshop.keys[at] === undefined ? [] : [workshop.keys[at] as never])),
    })
  const standing = () => ({ suspended: world.suspended === null ? null : { reason: world.suspended }, hold: null })
  const judge = (evidence: ReturnType<typeof over>): Decision =>
    decide({ id: ids.next(), evidence, policy: policy(), standing: standing(), counters, now: now() })
  const admitOwn: DeliveryOptions['admitOwn'] = async (own) => {
    if (world.reportsFail) throw new Error('reports fail for the test')
    return admit(judge(ownReport), own, now())
  }
  const delivery = startDelivery({
    custody: options.custody?.(custody) ?? custody,
    signer: {
      sign: (request) =>
        world.signerAway
          ? Promise.resolve({ kind: 'unavailable', reason: 'away for the test' })
          : workshop.signer.sign(request),
    },
    rejudge: ({ permit }) =>
      rejudge({ permit, policy: policy(), standing: standing(), operator: operatorDomain, now: now() }),
    seal: (permit, key, input) => sealPermit(permit, key, input, workshop.sealKey, now()),
    admitOwn,
    dns: { txt: none, mx: none, addresses: none, ptr: none, ns: none, ...options.dns },
    ...(options.protections === undefined ? {} : { protections: options.protections }),
    clock: { now, steady: () => performance.now() },
    log: quiet,
    settings: { ...defaultDelivery, timeouts: quick, retry: fast, ...options.settings },
    hostname: 'relay.example.net',
    operatorDomain,
    ...(options.random === undefined ? {} : { random: options.random }),
    ...(options.shaping === undefined ? {} : { shaping: options.shaping }),
    ...(options.returnAddress === undefined ? {} : { returnAddress: options.returnAddress }),
    ...(options.suppressed === undefined ? {} : { suppressed: options.suppressed }),
    ...(options.poolOf === undefined ? {} : { poolOf: options.poolOf }),
  } satisfies DeliveryOptions)
  const events = async (kind?: LedgerEvent['kind']) =>
    (await custody.outboxAfter(0, 10_000)).filter((event) => kind === undefined || event.kind === kind)
  const queue = () => custody.list({}, null, 1000)
  return {
    delivery,
    custody,
    admitOwn,
    directory,
    world,
    now,
    events,
    queue,
    mail: async (letter = {}) => {
      const decision = judge(over(hosted, letter.evidence ?? {}))
      if (decision.verdict !== 'relay') throw new Error(`not let pass: ${decision.reply.lines.join(' ')}`)
      const entry = entryOf(decision, letter, now() - (letter.age ?? 0))
      await custody.accept(entry, [])
      if (letter.offered !== false) delivery.offer(fresh(entry), entry.body)
      return entry.id
    },
    empty: async () => {
      const deadline = Date.now() + 15_000
      for (;;) {
        const left = await queue()
        if (left.length === 0) return
        if (Date.now() > deadline) throw new Error(`still in the queue: ${JSON.stringify(left)}`)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
    },
    close: async () => {
      await delivery.drain(0)
      await custody.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

const none = async () => []
const windows = { messagesLastHour: 0, messagesLastDay: 0, recipientsLastHour: 0, recipientsLastDay: 0 }
const counters = { grant: windows, customer: windows }
const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing, child: () => quiet }

function nothing(): void {}

function admit(decision: Decision, own: OwnMessage, at: number): AdmittedOwn | null {
  if (decision.verdict !== 'relay') return null
  const header = own.header
  const letter = {
    to: [{ mailbox: own.recipient, notify: 'NEVER' as const, orcpt: null }],
    header: header.toString('latin1'),
    body: own.body,
  }
  const entry = entryOf(decision, letter, at)
  const { smtputf8, eightBit } = own
  const arrival = { at, client: 'local', greeting: '', protocol: 'local' as const, tls: null }
  return {
    entry: { ...entry, envelope: { reversePath: null, smtputf8, eightBit, ret: null, envid: null, arrival } },
    events: [],
  }
}

const plainHeader =
  'From: Alice <alice@acme.example>\r\nTo: bob@dest.example\r\nSubject: hello\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@acme.example>\r\n'

function entryOf(decision: Extract<Decision, { verdict: 'relay' }>, letter: Letter, at: number): Entry {
  const header = Buffer.from(letter.header ?? plainHeader, 'latin1')
  const text = letter.body ?? 'Hello, Bob.\r\n.A line with a dot.\r\n'
  const body = typeof text === 'string' ? [Buffer.from(text, 'latin1')] : text
  const hash = new RelaxedBodyHash()
  for (const piece of body) hash.update(piece)
  const to = letter.to ?? ['bob@dest.example']
  return {
    id: decision.id,
    permit: decision.permit,
    envelope: {
      reversePath: mailbox('alice@acme.example'),
      smtputf8: false,
      eightBit: false,
      ret: null,
      envid: null,
      arrival: {
        at,
        client: '40.107.1.1',
        greeting: 'out.example',
        protocol: 'ESMTPS',
        tls: 'TLSv1.3 TLS_AES_256_GCM_SHA384',
      },
      ...letter.envelope,
    },
    recipients: to.map((one, index) =>
      typeof one === 'string' ? { index, mailbox: mailbox(one), notify: null, orcpt: null } : { ...one, index },
    ),
    header,
    body,
    relaxedBodyHash: hash.digest(),
    size: header.length + 2 + body.reduce((sum, piece) => sum + piece.length, 0),
    hold: letter.hold ?? null,
  }
}

function fresh(entry: Entry): StoredMessage {
  const state = {
    state: 'pending',
    attempts: 0,
    dueAt: entry.envelope.arrival.at,
    lastReply: null,
    delayNotified: false,
  } as const
  return { ...entry, recipients: entry.recipients.map((one) => ({ ...one, ...state })) }
}
