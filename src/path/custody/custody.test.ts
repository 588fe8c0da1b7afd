import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DecisionId } from '../decision/decision.ts'
import { type Custody, openCustody } from './index.ts'
import { exampleEntry, exampleEvent, exampleId, exampleRecipient, quietLog, fastDirectory } from './testing/entries.ts'
import { dueIds } from './testing/due.ts'

const megabyte = 1_048_576

async function bodyOf(custody: Custody, id: DecisionId): Promise<Buffer> {
  const pieces: Buffer[] = []
  for await (const piece of custody.readBody(id)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** What every driver of custody promises. `open` opens the shard in a directory, again after a close. */
export function custodyContract(name: string, open: (directory: string) => Promise<Custody>): void {
  describe(`custody in ${name}`, () => {
    let directory: string
    let custody: Custody

    beforeEach(async () => {
      directory = mkdtempSync(join(fastDirectory, 'custody-'))
      custody = await open(directory)
    })
    afterEach(async () => {
      await custody.close()
      rmSync(directory, { recursive: true })
    })
    const reopen = async () => {
      await custody.close()
      custody = await open(directory)
    }
    const kinds = async () => (await custody.outboxAfter(0, 1000)).map((event) => event.kind)

    test.each([
      ['nothing', 0],
      ['a short body', 2_001],
      ['the longest body within the database', megabyte],
      ['a body in a file', 3 * megabyte + 1],
    ])('gives back what was accepted, with %s, also after a restart', async (_, bodySize) => {
      const entry = exampleEntry(1, { bodySize, recipients: [exampleRecipient(0), exampleRecipient(1)] })
      expect(await custody.accept(entry, [exampleEvent(entry.id, 'decision')])).toBe('stored')
      await reopen()
      const stored = await custody.read(entry.id)
      expect(stored).toEqual({
        id: entry.id,
        permit: entry.permit,
        envelope: entry.envelope,
        header: entry.header,
        relaxedBodyHash: entry.relaxedBodyHash,
        size: entry.size,
        hold: null,
        recipients: entry.recipients.map((recipient) => ({
          ...recipient,
          state: 'pending',
          attempts: 0,
          dueAt: 1_000,
          lastReply: null,
          delayNotified: false,
        })),
      })
      expect((await bodyOf(custody, entry.id)).equals(Buffer.concat(entry.body))).toBe(true)
      expect(await custody.outboxAfter(0, 10)).toMatchObject([exampleEvent(entry.id, 'decision')])
    })

    test('a body comes in bounded pieces', async () => {
      const entry = exampleEntry(1, { bodySize: 3 * megabyte })
      await custody.accept(entry, [])
      for await (const piece of custody.readBody(entry.id)) expect(piece.length).toBeLessThanOrEqual(megabyte / 4)
    })

    test('the same id is not taken twice, and the first stays as it is', async () => {
      await custody.accept(exampleEntry(1), [])
      const again = exampleEntry(1, { customer: 'other', bodySize: 2 * megabyte })
      await expect(custody.accept(again, [exampleEvent(again.id, 'decision')])).rejects.toThrow('UNIQUE')
      expect((await custody.read(exampleId(1)))?.permit.customer).toBe('acme')
      expect(await kinds()).toEqual([])
    })

    test('what comes together is stored together, and one at fault does not harm the others', async () => {
      await custody.accept(exampleEntry(1), [])
      const answers = await Promise.allSettled(
        [1, 2, 3].map((number) => custody.accept(exampleEntry(number), [exampleEvent(exampleId(number), 'decision')])),
      )
      expect(answers.map((answer) => answer.status)).toEqual(['rejected', 'fulfilled', 'fulfilled'])
      expect((await custody.outboxAfter(0, 10)).map((event) => event.id)).toEqual([exampleId(2), exampleId(3)])
      expect(await custody.depth()).toMatchObject({ queued: 3, outbox: 2 })
    })

    test('due: earliest first, only what is due, without the leased', async () => {
      await custody.accept(exampleEntry(1, { at: 3_000 }), [])
      await custody.accept(exampleEntry(2, { at: 1_000 }), [])
      await custody.accept(exampleEntry(3, { at: 2_000 }), [])
      await custody.accept(exampleEntry(4, { at: 9_000 }), [])
      await custody.accept(exampleEntry(5, { at: 500, hold: { reason: 'limit', until: 99_000 } }), [])
      expect(await dueIds(custody, 3_000, 10)).toEqual([2, 3, 1].map(exampleId))
      expect(await dueIds(custody, 3_000, 2)).toEqual([2, 3].map(exampleId))
      const leased = new Set([2, 3].map(exampleId))
      expect(await dueIds(custody, 3_000, 1, leased)).toEqual([exampleId(1)])
      expect(await custody.nextReady(999)).toBe(1_000)
    })

    test('a recipient keeps its own clock, and the message comes due with the earliest', async () => {
      const entry = exampleEntry(1, { recipients: [0, 1, 2].map((index) => exampleRecipient(index)) })
      await custody.accept(entry, [])
      await custody.settle(
        entry.id,
        [
          { index: 0, kind: 'delivered', reply: '250 2.0.0 thanks' },
          { index: 1, kind: 'retry', reply: '451 4.7.1 later', dueAt: 61_000, attempted: true, delayNotified: true },
          { index: 2, kind: 'retry', reply: 'our fault', dueAt: 31_000, attempted: false },
        ],
        [],
        [exampleEvent(entry.id, 'delivered'), exampleEvent(entry.id, 'deferred')],
      )
      await reopen()
      expect(await dueIds(custody, 30_999)).toEqual([])
      expect(await dueIds(custody, 31_000)).toEqual([entry.id])
      expect((await custody.read(entry.id))?.recipients).toMatchObject([
        { state: 'delivered', attempts: 1, lastReply: '250 2.0.0 thanks' },
        { state: 'pending', attempts: 1, dueAt: 61_000, lastReply: '451 4.7.1 later', delayNotified: true },
        { state: 'pending', attempts: 0, dueAt: 31_000, lastReply: 'our fault', delayNotified: false },
      ])
      expect(await kinds()).toEqual(['delivered', 'deferred'])
    })

    test('a final outcome stays; the message goes with its last recipient and what follows comes in the same step', async () => {
      const entry = exampleEntry(1, { bodySize: 2 * megabyte, recipients: [exampleRecipient(0), exampleRecipient(1)] })
      const report = exampleEntry(2, { at: 5_000, bodySize: 2 * megabyte })
      await custody.accept(entry, [])
      await custody.settle(entry.id, [{ index: 0, kind: 'delivered', reply: '250 ok' }], [], [])
      await custody.settle(entry.id, [{ index: 0, kind: 'failed', reply: '550 no' }], [], [])
      expect((await custody.read(entry.id))?.recipients[0]).toMatchObject({ state: 'delivered', lastReply: '250 ok' })
      await custody.settle(
        entry.id,
        [{ index: 1, kind: 'failed', reply: '550 no' }],
        [report],
        [exampleEvent(entry.id, 'failed'), exampleEvent(report.id, 'dsn')],
      )
      expect(await custody.read(entry.id)).toBeNull()
      await expect(bodyOf(custody, entry.id)).rejects.toThrow('not in custody')
      expect(await dueIds(custody, 5_000, 10)).toEqual([report.id])
      expect((await bodyOf(custody, report.id)).equals(Buffer.concat(report.body))).toBe(true)
      expect(await kinds()).toEqual(['failed', 'dsn'])
    })

    test('settling what is gone writes its events and lets nothing follow', async () => {
      const entry = exampleEntry(1)
      await custody.accept(entry, [])
      const settle = () =>
        custody.settle(
          entry.id,
          [{ index: 0, kind: 'delivered', reply: '250 ok' }],
          [exampleEntry(2, { bodySize: 2 * megabyte })],
          [exampleEvent(entry.id, 'delivered')],
        )
      await settle()
      await settle()
      expect(await kinds()).toEqual(['delivered', 'delivered'])
      expect(await custody.depth()).toMatchObject({ queued: 1 })
    })

    test('holds: entering, holding, releasing, running out, cancelling', async () => {
      await custody.accept(exampleEntry(1, { hold: { reason: 'new tenant', until: 50_000 } }), [])
      await custody.accept(exampleEntry(2), [])
      expect(await dueIds(custody, 90_000, 10)).toEqual([exampleId(2)])
      expect(
        await custody.hold(exampleId(2), { reason: 'revoked', until: 40_000 }, [exampleEvent(exampleId(2), 'held')]),
      ).toBe(true)
      expect(await dueIds(custody, 90_000, 10)).toEqual([])
      expect(await custody.expiredHolds(39_999, 10)).toEqual([])
      expect(await custody.expiredHolds(50_000, 10)).toEqual([exampleId(2), exampleId(1)])
      expect((await custody.read(exampleId(1)))?.hold).toEqual({ reason: 'new tenant', until: 50_000 })
      expect(await custody.depth()).toMatchObject({ queued: 0, held: 2 })

      expect(await custody.release(exampleId(2), [exampleEvent(exampleId(2), 'released')])).toBe(true)
      expect(await custody.release(exampleId(2), [exampleEvent(exampleId(2), 'released')])).toBe(false)
      expect(await dueIds(custody, Date.now(), 10)).toEqual([exampleId(2)])
      expect((await custody.read(exampleId(2)))?.hold).toBeNull()

      const cancelled = [exampleEvent(exampleId(1), 'cancelled')]
      await custody.settle(exampleId(1), [{ index: 0, kind: 'cancelled', reply: 'by a person' }], [], cancelled)
      expect(await custody.read(exampleId(1))).toBeNull()
      expect(await custody.hold(exampleId(1), { reason: 'gone', until: 1 }, [exampleEvent(exampleId(1), 'held')])).toBe(
        false,
      )
      expect(await kinds()).toEqual(['held', 'released', 'cancelled'])
    })

    test('an outcome of a message that was held meanwhile is kept, and it stays held', async () => {
      await custody.accept(exampleEntry(1, { recipients: [exampleRecipient(0), exampleRecipient(1)] }), [])
      await custody.hold(exampleId(1), { reason: 'suspended', until: 90_000 }, [])
      await custody.settle(
        exampleId(1),
        [
          { index: 0, kind: 'delivered', reply: '250 ok' },
          { index: 1, kind: 'retry', reply: '451', dueAt: 1, attempted: true },
        ],
        [],
        [],
      )
      expect(await dueIds(custody, 90_000, 10)).toEqual([])
      expect((await custody.read(exampleId(1)))?.recipients.map((recipient) => recipient.state)).toEqual([
        'delivered',
        'pending',
      ])
    })

    test('lists by filter and page, and finds one with its header section', async () => {
      await custody.accept(exampleEntry(1, { recipients: [exampleRecipient(0, 'one.example')] }), [])
      await custody.accept(exampleEntry(2, { customer: 'other' }), [])
      await custody.accept(exampleEntry(3, { hold: { reason: 'limit', until: 9_000 } }), [])
      await custody.accept(exampleEntry(4), [])
      const ids = async (...asked: Parameters<Custody['list']>) => (await custody.list(...asked)).map(({ id }) => id)
      expect(await ids({}, null, 10)).toEqual([1, 2, 3, 4].map(exampleId))
      expect(await ids({}, null, 2)).toEqual([1, 2].map(exampleId))
      expect(await ids({}, exampleId(2), 2)).toEqual([3, 4].map(exampleId))
      expect(await ids({ customer: 'other' }, null, 10)).toEqual([exampleId(2)])
      expect(await ids({ source: 'other-m365' }, null, 10)).toEqual([exampleId(2)])
      expect(await ids({ domain: 'other.example' }, null, 10)).toEqual([exampleId(2)])
      expect(await ids({ destination: 'one.example' }, null, 10)).toEqual([exampleId(1)])
      expect(await ids({ reason: 'limit' }, null, 10)).toEqual([exampleId(3)])
      expect(await ids({ state: 'held' }, null, 10)).toEqual([exampleId(3)])
      expect(await ids({ state: 'queued', customer: 'acme' }, null, 10)).toEqual([1, 4].map(exampleId))
      expect(await custody.find(exampleId(3))).toEqual({
        id: exampleId(3),
        state: 'held',
        reason: 'limit',
        customer: 'acme',
        source: 'acme-m365',
        domain: 'acme.example',
        reversePath: '"Bj\u00f6rn \\"B\\""@acme.example',
        recipients: [{ address: 'reader0@dest.example', state: 'pending', attempts: 0, dueAt: 1_000, lastReply: null }],
        size: exampleEntry(3).size,
        arrivedAt: 1_000,
        heldUntil: 9_000,
        holdOwner: null,
        holdThen: null,
        route: null,
        header: exampleEntry(3).header,
      })
      expect(await custody.find(exampleId(9))).toBeNull()
    })

    test('what is queued is brought forward, what is held or done stays as it is', async () => {
      const two = [exampleRecipient(0), exampleRecipient(1)]
      await custody.accept(exampleEntry(1, { at: 5_000, recipients: two }), [])
      await custody.accept(exampleEntry(2, { at: 5_000, hold: { reason: 'held', until: 9_000 } }), [])
      await custody.settle(exampleId(1), [{ index: 0, kind: 'delivered', reply: '250 ok' }], [], [])
      expect(await dueIds(custody, 2_000, 10)).toEqual([])
      await custody.hasten(3_000)
      expect(await dueIds(custody, 2_000, 10)).toEqual([exampleId(1)])
      const recipients = (await custody.read(exampleId(1)))?.recipients ?? []
      expect(recipients.map((one) => one.dueAt)).toEqual([5_000, 2_000])
      expect(await custody.expiredHolds(8_999, 10)).toEqual([])
      expect(await custody.expiredHolds(9_000, 10)).toEqual([exampleId(2)])
    })

    test('counts charged add up in their windows, and windows older than a day go', async () => {
      const day = 86_400_000
      await Promise.all([
        custody.charge([{ key: 'grant/acme/mail', window: 300_000, messages: 1, recipients: 3 }]),
        custody.charge([{ key: 'grant/acme/mail', window: 300_000, messages: 2, recipients: 2 }]),
        custody.charge([{ key: 'customer/acme', window: 600_000, messages: 1, recipients: 1 }]),
      ])
      await reopen()
      const first = { key: 'grant/acme/mail', window: 300_000, messages: 3, recipients: 5 }
      const second = { key: 'customer/acme', window: 600_000, messages: 1, recipients: 1 }
      expect(await custody.charges(0)).toEqual([first, second])
      expect(await custody.charges(600_000)).toEqual([second])
      const third = { key: 'customer/acme', window: 2 * day, messages: 1, recipients: 1 }
      await custody.charge([third])
      expect(await custody.charges(0)).toEqual([third])
    })

    test('outbox: pages in order, and a number is never given twice', async () => {
      const events = Array.from({ length: 5 }, (_, n) => exampleEvent(exampleId(n), 'decision'))
      await custody.record(events)
      const all = await custody.outboxAfter(0, 10)
      expect(all).toEqual(events.map((event, index) => ({ shard: 1, sequence: all[index]!.sequence, ...event })))
      const sequences = all.map((event) => event.sequence)
      expect(sequences).toEqual(sequences.toSorted((a, b) => a - b))
      expect(await custody.outboxAfter(sequences[1]!, 2)).toEqual(all.slice(2, 4))
      await custody.trimOutbox(sequences[4]!)
      expect((await custody.depth()).outbox).toBe(0)
      await reopen()
      await custody.record(events.slice(0, 1))
      const [next] = await custody.outboxAfter(0, 10)
      expect(next!.sequence).toBeGreaterThan(sequences[4]!)
    })

    test('depth counts by state and knows the oldest arrival', async () => {
      expect(await custody.depth()).toEqual({ queued: 0, held: 0, damaged: 0, outbox: 0, oldestArrival: null })
      await custody.accept(exampleEntry(1, { at: 7_000 }), [exampleEvent(exampleId(1), 'decision')])
      await custody.accept(exampleEntry(2, { at: 8_000, hold: { reason: 'limit', until: 9_000 } }), [])
      expect(await custody.depth()).toEqual({ queued: 1, held: 1, damaged: 0, outbox: 1, oldestArrival: 7_000 })
    })

    test('close finishes what was asked, and afterwards everything rejects', async () => {
      const accepted = [1, 2, 3].map((number) =>
        custody.accept(exampleEntry(number, { bodySize: number === 3 ? 2 * megabyte : 100 }), []),
      )
      await custody.close()
      expect(await Promise.all(accepted)).toEqual(['stored', 'stored', 'stored'])
      await expect(custody.accept(exampleEntry(4), [])).rejects.toMatchObject({ kind: 'unavailable' })
      await expect(custody.read(exampleId(1))).rejects.toMatchObject({ kind: 'unavailable' })
      custody = await open(directory)
      expect(await custody.depth()).toMatchObject({ queued: 3 })
    })
  })
}

custodyContract('SQLite', (directory) => openCustody({ dataDir: directory, shard: 1, log: quietLog, reserveBytes: 1 }))
