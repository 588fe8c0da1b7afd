export type {
  Custody,
  Entry,
  Envelope,
  HoldEnd,
  ManualRoute,
  QueueDetail,
  QueueFilter,
  QueueGroup,
  QueueGrouping,
  QueueRow,
  StateCounts,
  StoredMessage,
} from './custody.ts'
export { openCustody } from './open-custody.ts'
export { openOutboxReader } from './sqlite/outbox-reader.ts'
