export type { LedgerEvent, StoredEvent } from './event.ts'
export { openLedger } from './ledger.ts'
export type { Ledger } from './ledger.ts'
