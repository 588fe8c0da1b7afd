export type {
  AcceptResult,
  Charge,
  Custody,
  Depth,
  Entry,
  Envelope,
  Outcome,
  QueueDetail,
  QueueFilter,
  QueueRow,
  Recipient,
  RecipientState,
  StoredMessage,
} from './custody.ts'
export { CustodyError } from './custody-error.ts'
export { defaultRetry, isGivenUp, nextAttempt } from './retry-clock.ts'
export type { RetrySettings } from './retry-clock.ts'
export { openOutboxReader } from './sqlite/outbox-reader.ts'
export type { OutboxReader } from './sqlite/outbox-reader.ts'
export { shardDirectory } from './sqlite/open.ts'
export type { CustodyOptions } from './sqlite/open.ts'
export { openCustody } from './open-custody.ts'
