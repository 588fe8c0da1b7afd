import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import type { LedgerEvent } from '../../../rooms/ledger/index.ts'
import type { Domain } from '../../../standards/names/domain.ts'
import type { DecisionId, Permit } from '../../decision/decision.ts'
import type { Entry, Recipient } from '../custody.ts'

/** Entries for tests: whole, and told apart by their number alone. */

/** In memory where the system has such a place: a kill loses nothing there, and no test waits for a disk that others use. */
export const fastDirectory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export const quietLog = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => quietLog,
}

export function exampleId(number: number): DecisionId {
  return number.toString().padStart(16, '0') as DecisionId
}

/** Bytes that differ from message to message and from place to place. */
export function exampleBytes(seed: string, size: number): Buffer {
  const bytes = Buffer.alloc(size)
  let block = createHash('sha256').update(seed).digest()
  for (let at = 0; at < size; at += block.length) {
    block = createHash('sha256').update(block).digest()
    block.copy(bytes, at)
  }
  return bytes
}

export function exampleRecipient(index: number, domain = 'dest.example'): Recipient {
  return {
    index,
    mailbox: { localPart: `reader${index}`, domain: domain as Domain },
    notify: index % 2 === 0 ? null : ['FAILURE', 'DELAY'],
    orcpt: index % 2 === 0 ? null : `rfc822;reader${index}@old.example`,
  }
}

export type ExampleOptions = {
  readonly at?: number
  readonly customer?: string
  readonly bodySize?: number
  readonly recipients?: readonly Recipient[]
  readonly hold?: Entry['hold']
}

export function exampleEntry(number: number, options: ExampleOptions = {}): Entry {
  const { at = 1_000, customer = 'acme', bodySize = 2_000, recipients = [exampleRecipient(0)], hold = null } = options
  const id = exampleId(number)
  const header = Buffer.from(`From: a@acme.example\r\nMessage-ID: <${id}@acme.example>\r\n`)
  const body = exampleBytes(id, bodySize)
  const half = Math.floor(bodySize / 2)
  return {
    id,
    permit: {
      id,
      customer,
      source: `${customer}-m365`,
      grant: `${customer}-mail`,
      domain: `${customer}.example` as Domain,
      class: 'hosted',
      attribution: {
        kind: 'm365',
        tenant: '3dd8961f-e488-4e60-8e11-a82d994e183d',
        originator: `${customer}.example` as Domain,
        connectingHost: null,
      },
      policyVersion: 7,
      mintedAt: at,
    } as unknown as Permit,
    envelope: {
      reversePath: { localPart: 'Bj\u00f6rn "B"', domain: `${customer}.example` as Domain },
      smtputf8: true,
      eightBit: false,
      ret: 'HDRS',
      envid: 'QQ314159',
      arrival: { at, client: '127.0.0.1', greeting: 'client.example', protocol: 'ESMTPS', tls: 'TLSv1.3' },
    },
    recipients,
    header,
    body: [body.subarray(0, half), body.subarray(half)],
    relaxedBodyHash: createHash('sha256').update(body).digest(),
    size: header.length + 2 + bodySize,
    hold,
  }
}

export function exampleEvent(id: string, kind: LedgerEvent['kind'], at = 1_000): LedgerEvent {
  return { kind, at, id, customer: 'acme', source: 'acme-m365', detail: { of: id, kind } }
}
