/**
 * One step in the life of a message, or of a domain: flat data that this room owns. `detail` is plain JSON of the step's own shape.
 * Events are append-only; (shard, sequence) names one for ever.
 */
export type LedgerEvent = {
  readonly kind:
    | 'decision' // detail: DecisionFacts with verdict, rule and reply
    | 'signed' // detail: { domain, selectors, policyVersion }
    | 'cleaned' // detail: { removed: field names }
    | 'delivered'
    | 'deferred'
    | 'failed' // detail: { recipients, destination, remote, tls, status, reply, class, dialogue? }
    | 'discarded' // detail: { recipients, reason }
    | 'bounced-later' // detail: { recipients, reply, class }: a report came back after the receiver had taken it
    | 'complained' // detail: { recipients, reply }: a recipient told its provider that it does not want it
    | 'reported-later' // detail: { recipients, what, reply }: something else that was reported, or by nobody whom we could make out
    | 'feedback' // detail: { found, attributed, message }: a piece that came to a feedback listener, under the id that its client heard
    | 'held' // detail: { reason, until, owner?, atEnd?, by, rule? }
    | 'released'
    | 'hurried' // detail: { by }
    | 'rerouted' // detail: { route: { host, port, tls } | null, by }
    | 'cancelled'
    | 'expired'
    | 'bounced' // detail: { reason, heldFor?, by, status, reply, recipients }
    | 'body-read' // detail: { reason, by }
    | 'dsn' // detail: { about, report, action, recipients, told: [{ recipient, action, status, reply }] }
    | 'reports-on' // detail: { about }: stands under the report's own id
    | 'damaged' // detail: { what }
    | 'proof-seen'
    | 'proof-missing'
    | 'proof-lapsed' // detail: { domain, was, state, lapsesAt, because }
    | 'claim-refused' // detail: { domain, claimant, holder }
    | 'site-slowed'
    | 'site-suspended' // detail: { action, site, scope, class, reply, rule, factor, until, replies, message }
    | 'site-resumed' // detail: { action, site, scope, class, reply, how, by }
  /** Milliseconds since the epoch. */
  readonly at: number
  /** The decision id, which is also the message id; `domain/<name>` for what happens to a domain. */
  readonly id: string
  readonly customer: string | null
  readonly source: string | null
  readonly detail: { readonly [key: string]: unknown }
}

/** An event as it stands in an outbox or a day file. */
export type StoredEvent = LedgerEvent & { readonly shard: number; readonly sequence: number }
