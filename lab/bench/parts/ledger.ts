import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openCustody, openOutboxReader } from '../../../src/path/custody/index.ts'
import { DecisionIds, decide, recordOf } from '../../../src/path/decision/index.ts'
import { asked } from '../../../src/path/decision/testing/evidence.ts'
import { type LedgerEvent, openLedger } from '../../../src/rooms/ledger/index.ts'
import { type Part, measured, quietLog } from './part.ts'

/** The ledger alone: what the relay wrote of so many messages (decided, signed, delivered) goes from the outbox into the day and the table of who was seen. */
export const ledger: Part = async ({ messages }) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'anechoic-bench-ledger-'))
  const custody = await openCustody({ dataDir, shard: 0, log: quietLog, reserveBytes: 0 })
  const outbox = openOutboxReader(dataDir, 0)
  const room = openLedger({ dataDir, outboxes: [outbox], log: quietLog })
  const ids = new DecisionIds(() => Date.now(), 0, Math.random)
  const write = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 200)
      await custody.record(Array.from({ length: Math.min(200, count - done) }, () => eventsOf(ids)).flat())
  }
  try {
    await write(Math.ceil(messages / 4))
    await room.project()
    await write(messages)
    return await measured(messages, [], async () => {
      const began = performance.now()
      await room.project()
      return [performance.now() - began]
    })
  } finally {
    room.close()
    outbox.close()
    await custody.close()
    rmSync(dataDir, { recursive: true })
  }
}

function eventsOf(ids: DecisionIds): readonly LedgerEvent[] {
  const decision = decide(asked({ id: ids.next() }))
  const record = recordOf(decision)
  const about = { at: Date.now(), id: decision.id, customer: record.customer, source: record.source }
  return [
    { ...about, kind: 'decision', detail: record },
    { ...about, kind: 'signed', detail: { domain: 'acme.example', selectors: ['rsa-1'], policyVersion: 7 } },
    {
      ...about,
      kind: 'delivered',
      detail: {
        recipients: ['bob@dest.example'],
        destination: 'host:127.0.0.1:2526/opportunistic',
        remote: { name: '127.0.0.1', address: '127.0.0.1', port: 2526 },
        tls: null,
        reply: '250 2.0.0 Ok',
      },
    },
  ]
}
