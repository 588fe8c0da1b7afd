/** Cases in which we answer otherwise than a suite expects, by suite and name, and why that is right. `docs/conformance.md` tells them. */
export const misses: { readonly [suite: string]: { readonly [name: string]: string } } = {
  'spf/rfc7208': {},
  'spf/mail-auth': {
    'basic: DNS Lookup Limits 1':
      'ten names that do not exist: RFC 7208 §4.6.4 ends the check after two look-ups that find nothing, with permerror',
    'basic: DNS Lookup Limits 6':
      'eleven exchanges: RFC 7208 §4.6.4 makes more than ten a permerror, whichever of them matches',
    'basic: HELO identity 1':
      'the suite asks for the greeting first and stops at its fail; the result here is that of the reverse-path (RFC 7208 §2.4)',
    'exists: Exists 2':
      'only AAAA records: RFC 7208 §5.7 looks for A records even where the client has an IPv6 address',
    'macro: Macro expansion 2 2':
      'only AAAA records: RFC 7208 §5.7 looks for A records even where the client has an IPv6 address',
  },
  'dmarc-policy/rfc9989-cases': {},
  'e2e/authentication_milter': {},
}
