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
