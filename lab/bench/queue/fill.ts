import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { DecisionIds } from '../../../src/path/decision/index.ts'
import type { Permit } from '../../../src/path/decision/decision.ts'
import type { Entry } from '../../../src/path/custody/custody.ts'
import { entryBytes, entryRow } from '../../../src/path/custody/sqlite/encode.ts'
import { shardDirectory } from '../../../src/path/custody/sqlite/open.ts'
import { bodyDirectory, openForWriting } from '../../../src/path/custody/sqlite/schema.ts'
import { WriterStore } from '../../../src/path/custody/sqlite/writer-store.ts'
import type { Domain } from '../../../src/standards/names/domain.ts'
import { manyCustomer } from '../growth/many-customers.ts'
import type { Destinations } from './destinations.ts'

export type Filling = {
  readonly dataDir: string
  readonly messages: number
  readonly destinations: Destinations
  readonly customers: number
  /** When each is due: that of a dead destination and that of a live one, in milliseconds since the epoch. */
  readonly dueAt: (isDead: boolean) => number
}

const perTransaction = 10_000
const body = Buffer.alloc(1_200, `${'x'.repeat(78)}\r\n`)
const relaxedBodyHash = createHash('sha256').update(body).digest()

/** Each hundredth message has five recipients at five destinations, each thousandth five hundred at one. */
function recipientsOf(at: number, destinations: Destinations): readonly number[] {
  if (at % 1000 === 7) return Array<number>(500).fill(at % destinations.count)
  if (at % 100 === 3) return Array.from({ length: 5 }, (_, more) => (at + more * 7) % destinations.count)
  return [at % destinations.count]
}

/** Fills a shard by the statements that custody itself uses, without waiting for the disk. */
export function fillShard({ dataDir, messages, destinations, customers, dueAt }: Filling): void {
  const directory = shardDirectory(dataDir, 0)
  mkdirSync(bodyDirectory(directory), { recursive: true })
  const db = openForWriting(directory)
  db.pragma('synchronous = OFF')
  const now = Date.now()
  const store = new WriterStore(db, now)
  const ids = new DecisionIds(() => now - 3_600_000, 0, Math.random)
  for (let from = 0; from < messages; from += perTransaction) {
    db.exec('BEGIN IMMEDIATE')
    for (let at = from; at < Math.min(messages, from + perTransaction); at++) {
      const to = recipientsOf(at, destinations)
      const due = dueAt(to.some((one) => destinations.kindOf(one) !== 'live'))
      const entry = entryOf(ids, at % customers, to, destinations, Math.round(due))
      store.apply(
        { ask: 'accept', entry: entryRow(entry, 0, null), events: [] },
        Buffer.concat(entryBytes(entry, null)),
      )
    }
    db.exec('COMMIT')
  }
  db.pragma('wal_checkpoint(TRUNCATE)')
  db.close()
}

function entryOf(
  ids: DecisionIds,
  customer: number,
  to: readonly number[],
  destinations: Destinations,
  at: number,
): Entry {
  const { id: customerId, address, domains } = manyCustomer(customer)
  const domain = domains[0] as Domain
  const id = ids.next()
  const header = Buffer.from(
    `From: Robot <robot@${domain}>\r\nTo: list@queue.example\r\nSubject: queued\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <${id}@${domain}>\r\n`,
  )
  return {
    id,
    permit: {
      id,
      customer: customerId,
      source: 'plant',
      grant: 'plant',
      domain,
      class: 'hosted',
      attribution: { kind: 'network', address },
      policyVersion: 1,
      mintedAt: at,
    } as unknown as Permit,
    envelope: {
      reversePath: { localPart: 'robot', domain },
      smtputf8: false,
      eightBit: false,
      ret: null,
      envid: null,
      arrival: { at, client: address, greeting: `mail.${domain}`, protocol: 'ESMTP', tls: null },
    },
    recipients: to.map((one, index) => ({
      index,
      mailbox: { localPart: `reader${index}`, domain: destinations.domain(one) as Domain },
      notify: null,
      orcpt: null,
    })),
    header,
    body: [body],
    relaxedBodyHash,
    size: header.length + 2 + body.length,
    hold: null,
  }
}
