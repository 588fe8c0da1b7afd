import type { LedgerEvent } from '../../rooms/ledger/index.ts'
import type { StoredMessage } from '../custody/custody.ts'

/** A step of a message's life, for whom its permit speaks. */
export function eventAbout(
  message: StoredMessage,
  kind: LedgerEvent['kind'],
  at: number,
  detail: LedgerEvent['detail'],
): LedgerEvent {
  const { customer, source } = message.permit
  return { kind, at, id: message.id, customer, source, detail }
}
