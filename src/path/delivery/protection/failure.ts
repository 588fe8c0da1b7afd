/** What was wrong with a session, by the names of RFC 8460 §4.3. */
export type FailureType =
  | 'starttls-not-supported'
  | 'certificate-host-mismatch'
  | 'certificate-expired'
  | 'certificate-not-trusted'
  | 'validation-failure'
  | 'tlsa-invalid'
  | 'dnssec-invalid'
  | 'dane-required'
  | 'sts-policy-fetch-error'
  | 'sts-policy-invalid'
  | 'sts-webpki-invalid'

export type Failure = {
  readonly type: FailureType
  /** In words, for people: it stands in replies, records and reports. */
  readonly because: string
  /** The enhanced status code under which mail waits for it. */
  readonly status: string
}

/** RFC 3463 §3.8: the other side lacks a security feature. */
export const notSupported = '4.7.4'
/** RFC 3463 §3.8: what it presented does not stand the test. */
export const notProven = '4.7.5'
