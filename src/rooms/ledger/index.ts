export type { LedgerEvent, StoredEvent } from './event.ts'
