export { type Delivery, startDelivery } from './delivery.ts'
export { WarmUpBook } from './egress/warm-up.ts'
export type { AdmittedOwn, DeliveryOptions, OwnMessage } from './room.ts'
export { type DeliverySettings, defaultDelivery } from './settings.ts'
