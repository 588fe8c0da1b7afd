/**
 * What becomes of each field of a header section between its arrival and the wire: one table, in the order in which it is gone through.
 * `cleanHeader` runs it and `docs/headers.md` is written from it.
 */
export type HeaderRow = {
  readonly id: string
  /** Fields by name. `*` stands for any letters, digits and hyphens, at the beginning, inside or at the end. Empty: the row is about no name. */
  readonly names: readonly string[]
  /**
   * Beginnings of names that a reader may take for one of these although the letters between are others (`X_OriginatorOrg`,
   * `X-Originator-Org`): compared by letters and digits alone.
   */
  readonly lookAlikes?: readonly string[]
  /** In words, for people: what the row is about, where names do not say it. */
  readonly what?: string
  readonly because: string
}

/** Nothing with these is taken at all: a field is never mended. The rule that answers is the id. */
export const refusedRows: readonly HeaderRow[] = [
  {
    id: 'message-malformed',
    names: [],
    what: 'a field name with a blank, a control character or an octet above 127; a line without a colon; too many fields',
    because: 'two programs would read such a section differently',
  },
  {
    id: 'evidence-duplicate',
    names: [],
    what: 'a trust field of the provider twice, or in a look-alike form, on a connection that is proven to be the provider’s',
    because: 'the provider writes each once; the other was planted',
  },
  {
    id: 'author-malformed',
    names: ['from'],
    what: 'absent, repeated, with several mailboxes, or outside the grammar',
    because: 'From is never written anew: what cannot be signed as it came is refused',
  },
  {
    id: 'sender-not-owned',
    names: ['sender', 'resent-from', 'resent-sender'],
    what: 'of a domain that the customer does not own',
    because: 'some mail programs show that address as the author',
  },
]

/** Taken out. The first row that names a field gives the reason. */
export const removedRows: readonly HeaderRow[] = [
  {
    id: 'results',
    names: [
      'authentication-results',
      'authentication-results-original',
      'x-authentication-results',
      'received-spf',
      'x-spam-*',
    ],
    lookAlikes: ['authenticationresults'],
    because:
      'results of checks on the way to us; those that bear our own authserv-id were not written by us, since we write none (RFC 8601 §5)',
  },
  {
    id: 'provider-stamps',
    names: [
      'x-ms-*',
      'x-originatororg*',
      'x-crosspremisesheaders*',
      'x-organizationheaderspreserved',
      'x-relaying-domain',
    ],
    lookAlikes: ['xmsexchange', 'xoriginatororg', 'xrelayingdomain'],
    because: "statements about the sending tenant, true only between the provider's servers and us",
  },
  {
    id: 'provider-verdicts',
    names: [
      'x-microsoft-antispam*',
      'x-forefront-*',
      'x-exchange-antispam-*',
      'x-eopattributedmessage',
      'x-eoptenantattributedmessage',
    ],
    lookAlikes: ['xforefrontantispam', 'xmicrosoftantispam'],
    because: 'verdicts of a filter on the way to us',
  },
  {
    id: 'shared-secrets',
    names: [
      'x-anechoic-*',
      'x-relay-auth*',
      'x-relay-key',
      'x-relay-secret',
      'x-relay-token',
      'x-shared-secret',
      'x-*-relay',
      'x-*-relay-key',
      'x-*-relay-secret',
      'x-*-relay-token',
      'x-*-shared-secret',
    ],
    because:
      'a mail-flow rule adds such a field for the relay alone; a receiver who reads it could use it. It is no proof here: whoever got one message has it',
  },
  {
    id: 'blind-copies',
    names: ['bcc', 'resent-bcc'],
    because: 'recipients that the others may not see (RFC 5322 §3.6.3)',
  },
  { id: 'return-path', names: ['return-path'], because: 'written at final delivery alone (RFC 5321 §4.4)' },
  {
    id: 'feedback-id',
    names: [],
    what: '`feedback-id` that ends in the sender name of this relay',
    because: 'complaints are counted by it: nobody else writes it in our name',
  },
]

/** Signatures go with what they cover: known to verify nowhere, they would only tell receivers that something was changed. */
export const brokenRows = {
  signatures: {
    id: 'broken-signatures',
    names: ['dkim-signature', 'x-google-dkim-signature', 'domainkey-signature'],
    what: 'where `h=` names a field that was there and was taken out',
    because: 'it verified on the way in, if at all, and cannot any more',
  },
  arc: {
    id: 'broken-arc',
    names: ['arc-seal', 'arc-message-signature', 'arc-authentication-results'],
    what: 'all sets, where the signature of one names a field that was there and was taken out, or a field of a set is missing',
    because: 'a set counts only with all the others (RFC 8617 §5.2)',
  },
} as const satisfies Readonly<Record<string, HeaderRow>>

/** What goes on top, the first row uppermost. */
export const addedRows: readonly HeaderRow[] = [
  {
    id: 'signature',
    names: ['dkim-signature'],
    what: 'one for each algorithm of the domain, of the author domain or the parent that includes it; no `l=`, seven days of `x=`',
    because: 'the owner granted this source the right to it',
  },
  {
    id: 'trace',
    names: ['received'],
    what: 'from whom, how and when it came, under the decision id; for whom only where there is one recipient',
    because: 'every relay adds one (RFC 5321 §4.4)',
  },
  {
    id: 'feedback-id',
    names: ['feedback-id'],
    what: 'customer, source, class and the sender name of this relay; not where the author wrote one, and not on mail of our own',
    because: 'receivers with a feedback loop count complaints by it; it tells of no message and no person',
  },
]

/** What other relays add and this one does not. */
export const neverAddedRows: readonly HeaderRow[] = [
  {
    id: 'no-results',
    names: ['authentication-results'],
    because: 'a receiver believes its own checks; ours are in the ledger',
  },
  {
    id: 'no-arc',
    names: ['arc-seal', 'arc-message-signature', 'arc-authentication-results'],
    because: 'we are no forwarder: what we send is signed for its author. Sealing is off for every customer',
  },
]
