import { expect, test } from 'vitest'
import { runKillDrill } from './kill-drill.ts'

test('kill -9 of each process under load loses nothing that was accepted', async () => {
  const order = ['relay', 'signer', 'control', 'relay', 'supervisor', 'relay'] as const
  const report = await runKillDrill({ kills: order.length, order, seed: 20_261_124, connections: 8, say: () => {} })
  expect(report.faults).toEqual([])
  expect(report.tally).toMatchObject({ lost: 0, queued: 0 })
  expect(report.tally.delivered).toBe(report.tally.accepted)
  expect(report.figures).toMatchObject({ 'killed relay': 3, 'killed supervisor': 1 })
}, 240_000)
