import { DecisionIds, decide, recordOf, standingKeyOf, subjectOf } from '../../../src/path/decision/index.ts'
import { openEvidence } from '../../../src/path/evidence/index.ts'
import { message, session, transaction } from '../../../src/path/evidence/testing/occasion.ts'
import { noCounts } from '../../../src/path/decision/testing/evidence.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { systemDns } from '../../../src/platform/dns-system.ts'
import { quietLog } from '../../../src/path/custody/testing/entries.ts'
import { StandingBook } from '../../../src/rooms/watch/index.ts'
import type { Domain } from '../../../src/standards/names/domain.ts'
import { type PartResult, measured } from '../parts/part.ts'
import { manyCustomer } from './many-customers.ts'
import { registryIn } from './prepared.ts'

/** Judges messages of `active` customers out of all, a round for each time that it is asked. */
export type Decider = (active: number, messages: number) => Promise<PartResult>

/** Over the policy in a data directory. */
export async function openDecider(customers: number, dataDir: string): Promise<Decider> {
  const { registry, close } = await registryIn(dataDir)
  const policy = await registry.load()
  await close()
  const evidence = openEvidence({
    providers: {
      m365: {
        networks: null,
        clientCertificate: { names: ['mail.protection.outlook.com'], ca: 'system' },
        fcrdns: 'off',
      },
      google: { networks: null },
    },
    limits: { maxHeaderBytes: 262_144, maxHeaderFields: 1000 },
    dns: systemDns(['127.0.0.1:9'], 100),
    clock: systemClock,
    log: quietLog,
  })
  const ids = new DecisionIds(() => systemClock.now(), 0, Math.random)
  const standing = new StandingBook()

  const judge = async (at: number): Promise<void> => {
    const { address, domains } = manyCustomer(at)
    const now = systemClock.now()
    const author = { localPart: 'robot', domain: domains[0] as Domain }
    const gathered = await evidence.gather({
      session: session({ address, chain: null }),
      transaction: transaction(author, [{ localPart: 'bob', domain: 'dest.example' as Domain }]),
      message: message([
        `From: Robot <robot@${domains[0]}>`,
        'To: bob@dest.example',
        'Subject: growth',
        'Date: Tue, 24 Nov 2026 09:00:00 +0000',
        `Message-ID: <1@${domains[0]}>`,
        'MIME-Version: 1.0',
        'Content-Type: text/plain',
      ]),
      policy,
      now,
    })
    const subject = subjectOf(gathered, policy, now)
    const mark = standing.standingFor(standingKeyOf(subject), now)
    const decision = decide({ id: ids.next(), evidence: gathered, policy, standing: mark, counters: noCounts, now })
    recordOf(decision)
    if (decision.verdict !== 'relay') throw new Error(`customer ${at} was refused: ${decision.rule}`)
  }

  return (active, messages) => {
    const senders = Math.min(active, customers)
    const step = Math.floor(customers / senders)
    return measured(messages, [], async () => {
      const times: number[] = []
      for (let sent = 0; sent < messages; sent++) {
        const began = performance.now()
        await judge(((sent * 7919) % senders) * step)
        times.push(performance.now() - began)
      }
      return times
    })
  }
}
