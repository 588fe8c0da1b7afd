import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Custody, openCustody, openOutboxReader } from '../path/custody/index.ts'
import { exampleEvent, exampleId, fastDirectory, quietLog } from '../path/custody/testing/entries.ts'
import { openStore } from '../platform/sql.ts'
import { type Ledger, openLedger } from '../rooms/ledger/index.ts'
import { migrateProgress, projector, readProgress } from './ledger-progress.ts'

const shard = 3
let directory: string
let store: Kysely<unknown>
let custody: Custody
let outbox: ReturnType<typeof openOutboxReader>
let ledger: Ledger
beforeEach(async () => {
  directory = mkdtempSync(join(fastDirectory, 'progress-'))
  store = openStore('sqlite::memory:')
  await migrateProgress(store)
  custody = await openCustody({ dataDir: directory, shard, log: quietLog, reserveBytes: 1 })
  outbox = openOutboxReader(directory, shard)
  ledger = openLedger({ dataDir: directory, outboxes: [outbox], log: quietLog })
})
afterEach(async () => {
  ledger.close()
  outbox.close()
  await custody.close()
  await store.destroy()
  rmSync(directory, { recursive: true })
})

const events = (count: number) => Array.from({ length: count }, (_, at) => exampleEvent(exampleId(at + 1), 'decision'))

test('what the ledger has taken is written down, and may be trimmed', async () => {
  const project = projector(ledger, store)
  await project()
  expect(await readProgress(store, shard)).toBe(0)
  await custody.record(events(5))
  await project()
  const taken = await readProgress(store, shard)
  expect((await custody.outboxAfter(0, 10)).at(-1)?.sequence).toBe(taken)
  await custody.trimOutbox(taken)
  expect(await custody.depth()).toMatchObject({ outbox: 0 })
  await project()
  expect(await readProgress(store, shard)).toBe(taken)
})

test('what a process took and did not live to write down is written by the next, though nothing new happens', async () => {
  await custody.record(events(5))
  await ledger.project()
  expect(await readProgress(store, shard)).toBe(0)
  await projector(ledger, store)()
  expect(await readProgress(store, shard)).toBe((await custody.outboxAfter(0, 10)).at(-1)?.sequence)
})
