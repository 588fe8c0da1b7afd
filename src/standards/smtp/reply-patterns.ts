/** What a receiver's refusal may be about. */
export const replyClasses = [
  // Of the address: another try brings nothing.
  'recipient',
  'domain',
  'inactive',
  // Of the moment or of the message.
  'full',
  'rate',
  'greylist',
  'content',
  'policy',
  'auth',
  'reputation',
  'protocol',
  'network',
  'unclear',
] as const

export type ReplyClass = (typeof replyClasses)[number]

export type ReplyPattern = { readonly pattern: RegExp; readonly class: ReplyClass }

/**
 * What receivers write, in lower case; the first that matches tells. Every pattern is a few fixed words with at most one bounded gap, so
 * that no text takes long. Collected from replies of Exchange Online, Gmail, Yahoo, Postfix, Exim, Sendmail and others, November 2026.
 */
export const replyPatterns: readonly ReplyPattern[] = [
  { class: 'greylist', pattern: /gr[ea]y-?list|try again in \d+ ?(?:s|m)|deferred for \d+ seconds/ },
  {
    class: 'full',
    pattern:
      /mailbox (?:is )?full|over ?quota|quota (?:exceeded|is full)|out of storage|exceeded storage|insufficient system storage|storage space/,
  },
  {
    class: 'inactive',
    pattern:
      /account (?:that you tried to reach )?(?:is |has been )?(?:disabled|inactive|suspended)|mailbox (?:is )?(?:disabled|inactive)|user is suspended|is inactive|is disabled/,
  },
  {
    class: 'rate',
    pattern:
      /too many (?:connections|messages|recipients|concurrent|errors)|rate limit|throttl|receiving mail at a rate|unusual rate|exceeded the (?:rate|maximum)|slow down|sending too (?:fast|many)|message limit exceeded/,
  },
  {
    class: 'auth',
    pattern:
      /\bspf\b|\bdkim\b|\bdmarc\b|unauthenticated|not authenticated|authentication (?:checks|failed|required)|reverse dns|\bptr\b|does not match|mismatches client ip|sender address rejected|sender verify|sending domain/,
  },
  {
    class: 'reputation',
    pattern:
      /block ?list|blacklist|black list|\brbl\b|\bdnsbl\b|spamhaus|barracuda|spamcop|reputation|blocked using|banned|client host .{0,80}blocked|ip .{0,40}(?:blocked|listed)|tss\d\d/,
  },
  {
    class: 'content',
    pattern:
      /spam|unsolicited|content|virus|malware|phish|too (?:large|big)|size (?:limit|exceeds)|message size|attachment|url/,
  },
  {
    class: 'domain',
    pattern:
      /domain (?:not found|does not exist|is not reachable|has no|couldn'?t be found)|host (?:or domain name )?(?:not found|unknown)|nxdomain|no such (?:domain|host)|unrouteable|null mx|does not accept mail|'?mx'? lookup|dns (?:error|query)/,
  },
  {
    class: 'recipient',
    pattern:
      /user ?(?:is )?unknown|unknown user|unknown recipient|no such (?:user|recipient|mailbox|address|person)|(?:user|recipient|mailbox|address|account)(?: address)? .{0,60}(?:not found|does not exist|doesn'?t exist|rejected|unavailable|not exist|invalid|unknown)|recipnotfound|invalid (?:recipient|mailbox|address)|recipient name is not recogni[sz]ed|not a valid (?:user|recipient|mailbox)|doesn'?t have a .{0,30} account|address rejected/,
  },
  {
    class: 'policy',
    pattern:
      /polic(?:y|ies)|not allowed|not permitted|prohibited|relay(?:ing)? (?:access )?denied|unable to relay|relaying/,
  },
  { class: 'protocol', pattern: /syntax|unrecognized|not implemented|bad sequence|command|starttls|pipelin/ },
  {
    class: 'network',
    pattern:
      /timed? ?out|connection (?:refused|reset|lost|closed|dropped)|did not accept our requests|network|unreachable|not reachable|no answer|expired|temporarily unavailable|try again later|shutting down|service (?:not available|unavailable)/,
  },
]
