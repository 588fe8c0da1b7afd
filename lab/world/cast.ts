import type { Tenant } from './exchange-online.ts'

/** Who plays in the stories. Every address is loopback; every name is under .example. */
export const addresses = {
  /** The fake Exchange Online edge: the only host of "Microsoft's list". */
  exchangeOnline: '127.0.0.2',
  /** The fake Google Workspace: on Google's list, which proves Google and nobody in particular. */
  google: '127.0.0.3',
  /** A rented server that nobody vouches for. */
  vps: '127.0.0.66',
  /** Acme's own plant, a listed network source. */
  plant: '127.0.0.10',
  /** Where Acme's CRM and ERP sit; only their password and certificate count. */
  office: '127.0.0.11',
} as const

export const acme: Tenant = {
  id: '3dd8961f-e488-4e60-8e11-a82d994e183d',
  domains: ['acme.example', 'acme-sales.example'],
  initialDomain: 'acme.onmicrosoft.com',
}

export const globex: Tenant = {
  id: 'c33c9f88-1eb7-4099-9700-16013fd9e8aa',
  domains: ['globex.example'],
  initialDomain: 'globex.onmicrosoft.com',
}

/** The spammer's own tenant: real, paid for, and nobody's customer. */
export const spammer: Tenant = {
  id: '332568a8-5c62-4dbb-8012-9427400a7005',
  domains: ['jen19728669.onmicrosoft.com'],
  initialDomain: 'jen19728669.onmicrosoft.com',
}

/** A tenant whose name looks like a brand's. */
export const lookalike: Tenant = {
  id: '0b01e999-3b05-4aad-9c1c-6ee4a1d5a9f1',
  domains: ['acmesettings.onmicrosoft.com'],
  initialDomain: 'acmesettings.onmicrosoft.com',
}

/** Every consumer mailbox there is. */
export const consumer: Tenant = {
  id: '84df9e7f-e9f6-40af-b435-aaaaaaaaaaaa',
  domains: ['sct-15-20-4755-11-msonline-outlook-edb50.templatetenant'],
  initialDomain: 'outlook.com',
}

/** Acme's on-premises Exchange, which Acme listed, and one that it did not. */
export const onPrem = { listed: '198.51.100.7', unlisted: '87.120.120.151', helo: 'mail.acme.example' } as const

export const crm = { username: 'crm@acme', password: 'correct horse battery staple' } as const
