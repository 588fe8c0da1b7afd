export { IngressBudget } from './budget.ts'
export { startListener } from './listener.ts'
export type { BudgetLimits } from './budget.ts'
export type {
  ForwardPath,
  Gate,
  IngressFault,
  MailParameters,
  ReceivedMessage,
  Session,
  TlsFacts,
  Transaction,
} from './gate.ts'
export type { Listener } from './listener.ts'
export type { IngressLimits, ListenerOptions, Patience } from './options.ts'
