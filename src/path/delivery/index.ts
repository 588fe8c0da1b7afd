export { type Delivery, startDelivery } from './delivery.ts'
export type { DeliveryMetrics } from './metrics.ts'
export type { AdmittedOwn, DeliveryOptions, OwnMessage, SigningKey } from './room.ts'
export {
  type DeliverySettings,
  type RetrySettings,
  type Route,
  type Timeouts,
  type TlsPolicy,
  defaultDelivery,
  standardTimeouts,
} from './settings.ts'
