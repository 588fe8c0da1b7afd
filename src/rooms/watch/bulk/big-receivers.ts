/** Receivers that ask more of who sends them this many messages a day from one domain, as of February 2024 (Microsoft: May 2025). */
export const bulkThreshold = 5000

export const bigReceivers = ['google', 'yahoo', 'microsoft'] as const
export type BigReceiver = (typeof bigReceivers)[number]

/** Mailboxes of private persons; those of organisations at the same providers are not counted by them. */
const byDomain: Readonly<Record<BigReceiver, RegExp>> = {
  google: /^(?:gmail|googlemail)\.com$/,
  yahoo:
    /^(?:(?:yahoo|ymail|rocketmail)\.(?:com|co\.[a-z]{2}|com\.[a-z]{2}|[a-z]{2})|myyahoo\.com|aol\.(?:com|[a-z]{2})|aim\.com)$/,
  microsoft: /^(?:(?:outlook|hotmail|live)\.(?:com|co\.[a-z]{2}|com\.[a-z]{2}|[a-z]{2})|msn\.com|passport\.com)$/,
}

/** The big receiver of a recipient's domain (lower case); null for all others. */
export function bigReceiverOf(domain: string): BigReceiver | null {
  return bigReceivers.find((one) => byDomain[one].test(domain)) ?? null
}
