/**
 * Names that providers' client certificates bear. They prove the provider, so a policy may not list such a certificate as one party's
 * own. Each stands for itself and everything below it.
 */
const providerCertificateNames: readonly string[] = [
  'protection.outlook.com',
  'protection.office365.us',
  'protection.partner.outlook.cn',
  'protection.outlook.de',
  'mx.microsoft',
  'outlook.com',
  'google.com',
  'gmail.com',
  'googlemail.com',
  'amazonses.com',
  'sendgrid.net',
  'mailgun.org',
  'mailchannels.net',
  'pphosted.com',
  'mimecast.com',
  'messagelabs.com',
]

/** Whether a name in a certificate, wildcard or not, is a provider's. */
export function isProviderCertificateName(text: string): boolean {
  const name = text.trim().toLowerCase().replace(/\.$/, '').replace(/^\*\./, '')
  return providerCertificateNames.some((known) => name === known || name.endsWith(`.${known}`))
}
