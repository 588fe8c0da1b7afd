import { type SharedRange, networksOf } from './range.ts'

/** Services that send for many parties from shared addresses. None of them is a kind of source here; no policy may name their blocks. */
export const sharedServices: readonly SharedRange[] = [
  {
    provider: 'amazon-ses',
    name: 'Amazon SES',
    source: 'TXT amazonses.com',
    date: '2026-06-30',
    current: true,
    networks: networksOf(`
      199.255.192.0/22 199.127.232.0/22 54.240.0.0/18 54.240.64.0/18 69.169.224.0/20 23.249.208.0/20 23.251.224.0/19 76.223.176.0/20
      76.223.128.0/19 216.221.160.0/19 206.55.144.0/20 24.110.64.0/18`),
  },
  {
    provider: 'constant-contact',
    name: 'Constant Contact',
    source: 'TXT spf.constantcontact.com',
    date: '2021-07-15',
    current: true,
    networks: networksOf('208.75.120.0/22'),
  },
  {
    provider: 'mailchannels',
    name: 'MailChannels',
    source: 'TXT relay.mailchannels.net',
    date: '2026-06-30',
    current: true,
    networks: networksOf('23.83.208.0/20 35.85.190.185'),
  },
  {
    provider: 'mailchimp',
    name: 'Mailchimp',
    source: 'TXT servers.mcsv.net',
    date: '2021-07-15',
    current: true,
    networks: networksOf('148.105.8.0/21 198.2.128.0/18 205.201.128.0/20'),
  },
  {
    provider: 'mailgun',
    name: 'Mailgun',
    source: 'TXT mailgun.org',
    date: '2021-07-15',
    current: true,
    networks: networksOf(`
      104.130.96.0/28 104.130.122.0/23 141.193.32.0/23 143.55.224.0/20 146.20.112.0/26 146.20.113.0/24 146.20.191.0/24
      159.135.224.0/20 161.38.192.0/20 166.78.68.0/22 192.237.158.0/23 198.61.254.0/23 209.61.151.0/24 23.253.182.0/23 69.72.32.0/20`),
  },
  {
    provider: 'mailjet',
    name: 'Mailjet',
    source: 'TXT spf.mailjet.com',
    date: '2021-07-15',
    current: true,
    networks: networksOf('185.189.236.0/22 185.211.120.0/22 185.250.236.0/22 87.253.232.0/21'),
  },
  {
    provider: 'marketo',
    name: 'Marketo',
    source: 'TXT mktomail.com',
    date: '2021-07-15',
    current: true,
    networks: networksOf('103.237.104.0/22 130.248.172.0/23 185.28.196.0/22 192.28.128.0/18 199.15.212.0/22'),
  },
  {
    provider: 'messagelabs',
    name: 'Symantec Email Security.cloud',
    source: 'TXT spf.messagelabs.com',
    date: '2021-07-15',
    current: true,
    networks: networksOf(`
      46.226.48.0/21 67.219.240.0/20 85.158.136.0/21 95.131.104.0/21 103.9.96.0/22 117.120.16.0/21 193.109.254.0/23
      194.106.220.0/23 195.245.230.0/23 216.82.240.0/20`),
  },
  {
    provider: 'mimecast',
    name: 'Mimecast',
    source: 'TXT _netblocks.mimecast.com',
    date: '2021-07-15',
    current: true,
    networks: networksOf(`
      41.74.192.0/20 51.163.158.0/24 62.140.7.0/24 63.128.21.0/24 91.220.42.0/24 103.13.69.0/24 103.96.21.0/24 103.96.23.0/24
      124.47.150.0/24 124.47.189.0/24 146.101.78.0/24 170.10.129.0/24 170.10.133.0/24 170.10.145.0/24 170.10.147.0/24
      180.189.28.0/24 185.58.85.0/24 185.58.86.0/24 193.7.206.0/23 194.104.109.0/24 194.104.111.0/24 195.130.217.0/24
      205.139.110.0/24 207.82.80.0/24 207.211.30.0/23 213.167.75.0/25 213.167.81.0/25 216.205.24.0/24`),
  },
  {
    provider: 'proofpoint-essentials',
    name: 'Proofpoint Essentials',
    source: 'Proofpoint Essentials connection details',
    date: '2026-06-30',
    current: true,
    networks: networksOf('67.231.144.0/21 67.231.152.0/22 67.231.156.0/24 148.163.128.0/19'),
  },
  {
    provider: 'sendgrid',
    name: 'Twilio SendGrid',
    source: 'TXT sendgrid.net',
    date: '2021-07-15',
    current: true,
    networks: networksOf(`
      50.31.32.0/19 149.72.0.0/16 167.89.0.0/17 168.245.0.0/17 192.254.112.0/20 198.21.0.0/21 198.37.144.0/20 208.117.48.0/20
      223.165.113.0/24 223.165.115.0/24 223.165.118.0/23 223.165.120.0/23`),
  },
]
