import { type Domain, isAtOrBelow } from '../names/domain.ts'

/**
 * Names that a provider owns and lends to its users, or under which it signs for all of them: nobody else can prove one, so no grant may
 * hold one. `hotmail` in any country is Microsoft's mark; `outlook` and `live` are words, so their country forms are listed one by one.
 */
const lentDomains: readonly string[] = [
  // Microsoft: initial domains of tenants in its clouds, and the names that its own infrastructure uses.
  'onmicrosoft.com',
  'onmicrosoft.us',
  'onmicrosoft.de',
  'onmschina.cn',
  'outlook.cn',
  'mx.microsoft',
  // Google: the default DKIM domain of Workspace, and test domains.
  'gappssmtp.com',
  'test-google-a.com',
  '1e100.net',
  // Shared senders that sign or bounce under their own name for all their users.
  'amazonses.com',
  'sendgrid.net',
  'mailgun.org',
  'mcsv.net',
  'mailchannels.net',
  'pphosted.com',
  'ppe-hosted.com',
]

const microsoftConsumer: readonly string[] = [
  'msn.com',
  'passport.com',
  'windowslive.com',
  ...'com at be bg ca cl co.id co.il co.th com.ar com.au com.br com.gr com.pe com.tr com.vn cz de dk es fr hu ie in it jp kr lv my ph pt sa sg sk'
    .split(' ')
    .map((country) => `outlook.${country}`),
  ...'com at be ca cl cn co.kr co.uk co.za com.ar com.au com.mx com.my com.ph com.pt com.sg de dk fi fr hk ie in it jp nl no ru se'
    .split(' ')
    .map((country) => `live.${country}`),
]

const googleConsumer: readonly string[] = ['gmail.com', 'googlemail.com']

const owned: readonly Domain[] = [
  ...lentDomains,
  ...microsoftConsumer,
  ...googleConsumer,
] as readonly string[] as readonly Domain[]
const consumer: ReadonlySet<string> = new Set(microsoftConsumer)
const hotmail = /^hotmail\.(?:com|[a-z]{2}|com?\.[a-z]{2})$/

/** Whether the domain is, or lies below, one that a provider owns: such a name is nobody's to grant. */
export function isProviderOwnedDomain(domain: Domain): boolean {
  if (owned.some((name) => isAtOrBelow(domain, name))) return true
  const labels = domain.split('.')
  return [2, 3].some((count) => labels.length >= count && hotmail.test(labels.slice(-count).join('.')))
}

/**
 * Whether an X-OriginatorOrg value names Microsoft's consumer service: a `….templateTenant` name, or a consumer domain in any country form.
 * The text is as a peer wrote it: case and a trailing dot do not matter.
 */
export function isConsumerOriginator(text: string): boolean {
  const name = text.trim().toLowerCase().replace(/\.$/, '')
  return name === 'templatetenant' || name.endsWith('.templatetenant') || consumer.has(name) || hotmail.test(name)
}
