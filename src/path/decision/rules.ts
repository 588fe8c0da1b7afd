/** Rule ids in the order in which they answer (the first that applies). They are never reused. */
export const ruleOrder = [
  'line-endings',
  'message-too-big',
  'too-many-recipients',
  'storage-full',
  'suppressed',
  'message-malformed',
  'source-unproven',
  'evidence-duplicate',
  'evidence-missing',
  'evidence-conflict',
  'consumer-tenant',
  'tenant-suspended',
  'author-malformed',
  'domain-not-owned',
  'domain-unproven',
  'tenant-not-authorised',
  'class-not-authorised',
  'hybrid-host-not-listed',
  'reverse-path-not-owned',
  'sender-not-owned',
  'evidence-required',
  'lookup-failed',
  'key-not-ready',
  'system-fault',
  'rate-exceeded',
  'held',
  'accepted',
] as const

export type RuleId = (typeof ruleOrder)[number]

/** Who can put it right; the words that the person whose mail was refused would use. */
export type Fixer =
  | 'the sender'
  | 'the administrator of the sending system'
  | 'the owner of the domain'
  | 'the operator of this relay'
  | 'nobody needs to'

export type Rule = {
  /** RFC 5321 §4.2.1 and RFC 3463: the code and the enhanced status code of the reply. */
  readonly code: 250 | 451 | 452 | 550 | 552 | 554
  readonly enhanced: string
  /** The words on the wire: ASCII, short. `about` is what the finding names (a domain, a host), already escaped, or null. */
  readonly wire: (about: string | null) => string
  /** For the person whose mail was refused. */
  readonly title: string
  readonly happened: string
  readonly remedy: string
  readonly fixer: Fixer
}

/** One row for each rule: what the wire hears and what people read. `docs/rules.md` and `/refused/RULE` are written from it. */
export const rules: Readonly<Record<RuleId, Rule>> = {
  'line-endings': {
    code: 554,
    enhanced: '5.6.0',
    wire: () => 'a bare CR, a bare LF or a NUL was sent; every line must end in CRLF',
    title: 'A line did not end as SMTP demands',
    happened:
      'A command or the message held a carriage return or a line feed alone, or a NUL character. Servers disagree about where such a ' +
      'message ends, and that disagreement has been used to smuggle a second, forged message inside the first. We read to the end of ' +
      'the data, kept nothing and closed the connection.',
    remedy:
      'Have the sending software write CRLF at the end of every line (RFC 5321 §2.3.8). Programs that hand over files written on Unix ' +
      'or by hand are the usual cause.',
    fixer: 'the administrator of the sending system',
  },
  'message-too-big': {
    code: 552,
    enhanced: '5.3.4',
    wire: (about) => `the message is larger than ${about ?? 'the limit'}`,
    title: 'The message is too big',
    happened: 'The message, or the size announced for it, is over the limit of this relay.',
    remedy:
      'Send a smaller message, or put the attachment where the recipient can fetch it. An encoded attachment is a third larger than its file.',
    fixer: 'the sender',
  },
  'too-many-recipients': {
    code: 452,
    enhanced: '4.5.3',
    wire: (about) =>
      `more recipients than ${about ?? 'one transaction may have'}; send the others in another transaction`,
    title: 'Too many recipients at once',
    happened: 'One transaction named more recipients than this relay takes. Those before the limit were taken.',
    remedy:
      'Mail servers send the others in a further transaction by themselves. A program that does not must be told to send in smaller groups.',
    fixer: 'the administrator of the sending system',
  },
  'storage-full': {
    code: 452,
    enhanced: '4.3.1',
    wire: () => 'no room to keep the message safely, please try again later',
    title: 'The relay had no room',
    happened:
      'This relay accepts a message only when it can keep it safely, and at that moment it had no room. Nothing was lost: the sending server keeps the message.',
    remedy:
      'Nothing by the sender: the sending server tries again. The operator of the relay must make room on the disk.',
    fixer: 'the operator of this relay',
  },
  suppressed: {
    code: 550,
    enhanced: '5.1.1',
    wire: (about) => `${about ?? 'a recipient'} is on the suppression list of the sending customer`,
    title: 'The recipient is on the suppression list',
    happened:
      'The organisation that sends here keeps a list of addresses that it will not write to: they do not exist, or their owners asked ' +
      'for no more mail. The recipient is on it. Where a message has other recipients too it is sent to them: then the one on the list was ' +
      'refused by itself, or is named in a report to the sender.',
    remedy:
      'Send to somebody else. If the address is good and its owner wants mail, the sending organisation can take it off its list.',
    fixer: 'the owner of the domain',
  },
  'message-malformed': {
    code: 554,
    enhanced: '5.6.0',
    wire: (about) => `the header section is malformed: ${about ?? 'it cannot be read'}`,
    title: 'The header section cannot be read',
    happened:
      'The message has no header section, one over the limits, a field name that is not in the grammar, or 8-bit characters in an ' +
      'address without SMTPUTF8. Two programs may read such a message differently, so we sign none of its readings.',
    remedy:
      'Have the sending software write the header section as RFC 5322 §2.2 says. The words of the reply name what was wrong.',
    fixer: 'the administrator of the sending system',
  },
  'source-unproven': {
    code: 550,
    enhanced: '5.7.1',
    wire: () => 'this connection proves neither a provider nor a listed source; it may not relay here',
    title: 'The connection proves nobody',
    happened:
      'This relay takes mail only over connections that prove who is at the other end: a cloud provider known by its address and its ' +
      'certificate, an account, a client certificate, or a listed address. This connection proved none of these. Header fields that say ' +
      'where a message comes from count for nothing then: anyone can write them.',
    remedy:
      'If your organisation relays through us, send from the system that was registered, or have this one registered as a source. If it ' +
      'does not, deliver to the recipient directly: this relay is not on the way.',
    fixer: 'the owner of the domain',
  },
  'evidence-duplicate': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) => `the trust field ${about ?? 'of the provider'} occurs more than once or in a look-alike form`,
    title: 'A trust field is there more than once',
    happened:
      'The provider writes each of its trust fields exactly once. In this message one was there again, or in a form made to look like ' +
      'it. Genuine mail is not like that; a planted copy is how one tenant is passed off as another.',
    remedy:
      'Remove mail-flow rules or programs that add fields with the names of the provider. If there are none, somebody planted it.',
    fixer: 'the administrator of the sending system',
  },
  'evidence-missing': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) => `the provider does not say ${about ?? 'which tenant sent this message'}`,
    title: 'The provider does not say which tenant sent this',
    happened:
      "The connection is the provider's, which proves the provider and not which of its customers sent the message. The fields that " +
      'name the tenant and its domain were absent or empty.',
    remedy:
      "Look for mail-flow rules or gateways after the provider that remove its header fields. Otherwise send through the provider's own outbound connector.",
    fixer: 'the administrator of the sending system',
  },
  'evidence-conflict': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) => `the evidence contradicts itself: ${about ?? 'two facts cannot both be true'}`,
    title: 'The evidence contradicts itself',
    happened:
      'Two facts about this message cannot both be true: for example the envelope names one sending organisation and the header section ' +
      'another. We do not choose between them.',
    remedy:
      'The words of the reply name the two facts. If the sending system is yours and set up as the provider advises, tell the operator of this relay.',
    fixer: 'the administrator of the sending system',
  },
  'consumer-tenant': {
    code: 550,
    enhanced: '5.7.1',
    wire: () => "the provider's consumer service may not relay here",
    title: 'Sent from a consumer mailbox',
    happened:
      "The message comes from the provider's service for private mailboxes, which everybody shares. It can never be authorised to send for an organisation.",
    remedy: 'Send from your mailbox at the organisation.',
    fixer: 'the sender',
  },
  'tenant-suspended': {
    code: 550,
    enhanced: '5.7.1',
    wire: () => 'this source is suspended',
    title: 'The source is suspended',
    happened: 'An operator, or containment of an incident, has stopped all mail from this source, for every customer.',
    remedy:
      'Ask the operator of this relay why, and what must happen before it is resumed. Mail that waited in the queue is held, not lost.',
    fixer: 'the operator of this relay',
  },
  'author-malformed': {
    code: 550,
    enhanced: '5.6.0',
    wire: (about) => `the From field must name one mailbox, once, in the grammar: ${about ?? 'it does not'}`,
    title: 'The From field does not name one author',
    happened:
      'The From field is absent, there twice, names several mailboxes or a group, or is not in the grammar. Mail programs disagree ' +
      'about what such a field shows, and we sign only for an author that everybody reads alike.',
    remedy:
      'Write one From field with one address: From: Name <name@your-domain.example>. Quote a name that holds commas or other special characters.',
    fixer: 'the sender',
  },
  'domain-not-owned': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) => `the author domain ${about ?? 'of this message'} belongs to no customer of this relay`,
    title: "The author domain is no customer's",
    happened:
      'The domain in the From field is not registered by any customer of this relay, so nobody can have authorised this message.',
    remedy:
      'Check the spelling of the From address. If the domain is yours and you relay through us, add it to your customer account and prove it.',
    fixer: 'the owner of the domain',
  },
  'domain-unproven': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) => `the proof that ${about ?? 'the author domain'} is its customer's is absent or has lapsed`,
    title: 'The domain is not proven',
    happened:
      'The domain in the From field is registered here, but the proof that it belongs to the customer was never seen or is no longer valid.',
    remedy:
      'Publish the TXT record that `domains list` shows (`_anechoic-challenge` under the domain) and keep it there: it is checked again daily.',
    fixer: 'the owner of the domain',
  },
  'tenant-not-authorised': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) => `the owner of ${about ?? 'the author domain'} has not authorised this source`,
    title: 'The owner of the domain has not authorised this source',
    happened:
      'We know who sent this message, and the owner of the domain in its From field has not granted that sender the right to use it. ' +
      'Anybody can have an account at the same provider as the owner; only the tenants that the owner lists may send as the domain.',
    remedy:
      'If you own the domain, look at what was seen and grant the source in your account; of a tenant of a provider, the tenant id and the domain ' +
      'that the provider names must both be listed. If you do not, use a From address of your own.',
    fixer: 'the owner of the domain',
  },
  'class-not-authorised': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) => `mail of the class ${about ?? 'unknown'} is not authorised here`,
    title: 'This kind of message is not authorised',
    happened:
      'The source is authorised, this kind of message is not: it was forwarded and not written there, its origin is unknown, or its class ' +
      'is not in the grant. Forwarded mail was written by somebody else and is never signed for the one who forwards it.',
    remedy:
      'For forwarding, have the provider send it on directly and not through this relay. For mail from your own servers or reports, add the class to the grant.',
    fixer: 'the owner of the domain',
  },
  'hybrid-host-not-listed': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) => `the on-premises host ${about ?? 'behind the tenant'} is not listed by the owner`,
    title: 'The on-premises host is not listed',
    happened:
      'The message entered the tenant from a server that the owner of the domain has not listed. A tenant sends on whatever its own ' +
      'servers hand it, so each of them must be named.',
    remedy:
      'If the server is yours, add its public address to the hybrid hosts of the source. If you do not know it, someone is using your tenant: close its connector.',
    fixer: 'the owner of the domain',
  },
  'reverse-path-not-owned': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) =>
      about === null
        ? 'a null reverse-path is for reports and automatic replies only'
        : `the reverse-path domain ${about} is not this customer's`,
    title: "The return address is not the customer's",
    happened:
      'The address for reports of failure (MAIL FROM) is of a domain that the customer does not own, or it was empty although the message ' +
      'is neither a report nor an automatic reply.',
    remedy:
      'Send with a MAIL FROM of a proven domain of your own. The initial domain of a tenant (onmicrosoft.com) does not count.',
    fixer: 'the administrator of the sending system',
  },
  'sender-not-owned': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) => `a Sender or Resent field names ${about ?? 'an unreadable address'}, which is not this customer's`,
    title: "Sender or Resent-From is not the customer's",
    happened:
      'Besides From, the message names a sender of a domain that the customer does not own. Some mail programs show that address, so our signature would vouch for it.',
    remedy: 'Leave out Sender and Resent fields, or use an address of a proven domain of your own in them.',
    fixer: 'the sender',
  },
  'evidence-required': {
    code: 550,
    enhanced: '5.7.1',
    wire: (about) => `a valid ${about ?? 'DKIM or ARC'} signature is required of this mail, and it is not there`,
    title: 'A required signature is not there',
    happened:
      "The owner of the domain asks that the provider's own DKIM signature or ARC set be there and valid, or the mail came from Google, where " +
      "only the signature of the author's own domain tells one Workspace from another. It was absent, invalid, or covered too little.",
    remedy:
      'Switch on DKIM for the domain at the provider and look for systems that change messages after the provider signed them. ARC ' +
      'speaks of mail that was written in a mailbox: a grant that requires it lets no mail of on-premises servers pass.',
    fixer: 'the owner of the domain',
  },
  'lookup-failed': {
    code: 451,
    enhanced: '4.7.0',
    wire: () => 'something that the answer depends on could not be looked up, please try again',
    title: 'Something could not be looked up',
    happened:
      'The answer depends on DNS or on the policy, and it could not be had, or the domain is locked by a DNS record that could not be read. Not knowing, we say neither yes nor no.',
    remedy:
      'Nothing at first: the sending server tries again by itself. If it lasts, the operator of this relay must look.',
    fixer: 'the operator of this relay',
  },
  'key-not-ready': {
    code: 451,
    enhanced: '4.7.0',
    wire: (about) => `authorised, but no signing key for ${about ?? 'the author domain'} is active yet`,
    title: 'The signing key is not ready',
    happened:
      'The message is authorised, but the key to sign it with is not active: its DNS record has not been seen yet. We never send unsigned what should be signed.',
    remedy:
      'Publish the record that `keys list` shows for the domain, then run `keys check`. The sending server tries again meanwhile. An author below a granted domain needs a key of its own: name that subdomain in the grant.',
    fixer: 'the owner of the domain',
  },
  'system-fault': {
    code: 451,
    enhanced: '4.3.0',
    wire: () => 'temporary fault on our side, please try again',
    title: 'A fault of ours',
    happened:
      'Something unexpected happened on our side. The message was not accepted, and the sending server keeps it.',
    remedy:
      'Nothing by the sender: the sending server tries again. The operator of the relay finds the cause in the log, under the id of the decision.',
    fixer: 'the operator of this relay',
  },
  'rate-exceeded': {
    code: 451,
    enhanced: '4.7.0',
    wire: (about) => `over the limit of ${about ?? 'this source'}, please try again later`,
    title: 'Over a limit',
    happened:
      'With this message the source would have sent more than its grant, its plan or its standing allows in an hour, in a day or in one ' +
      'message; or one and the same message would have reached more recipients in a day than any honest list has.',
    remedy:
      'The sending server tries again as the window moves on. If you need more, the owner of the domain can raise the limits of the grant; a ' +
      'message with more recipients than the limit must be sent in parts. If you did not send that much, somebody else did.',
    fixer: 'the owner of the domain',
  },
  held: {
    code: 250,
    enhanced: '2.0.0',
    wire: () => 'the message is accepted and held for review',
    title: 'Accepted and held',
    happened:
      'The message was accepted and is kept, unsigned and undelivered, until a person has looked at it. If it is not released, its sender gets a report.',
    remedy: 'Ask the operator of this relay. Sending it again only makes a second copy to look at.',
    fixer: 'the operator of this relay',
  },
  accepted: {
    code: 250,
    enhanced: '2.0.0',
    wire: () => 'the message is accepted for delivery',
    title: 'Accepted',
    happened:
      'The owner of the domain has authorised this source and this kind of message. It is kept safely and will be signed and delivered.',
    remedy: 'Nothing. If the recipient has not got it, `queue show` and `why` tell where it is.',
    fixer: 'nobody needs to',
  },
}
