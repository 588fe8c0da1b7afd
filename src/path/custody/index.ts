export type { Custody, Entry, Envelope, QueueDetail, QueueFilter, QueueRow, StoredMessage } from './custody.ts'
export { openCustody } from './open-custody.ts'
export { openOutboxReader } from './sqlite/outbox-reader.ts'
