import { randomUUID } from 'node:crypto'
import type { Identity } from './certificates.ts'
import {
  type ArcOrder,
  type DkimOrder,
  arcKeyName,
  keyNameOf,
  publishKey,
  withArc,
  withDkim,
} from './provider-signatures.ts'
import { SmtpClient, type SmtpReply } from './smtp-client.ts'
import type { Zone } from './zone.ts'

/** A tenant of the fake Exchange Online. */
export type Tenant = {
  readonly id: string
  /** Accepted domains, the default one first. */
  readonly domains: readonly string[]
  /** `<initial>.onmicrosoft.com`. */
  readonly initialDomain: string
}

/**
 * How the message came into the tenant: written in a mailbox; by a connector from a host of the tenant's own or of an attacker;
 * forwarded by a mailbox rule from outside; or through an on-premises server that Exchange counts as the tenant's own.
 */
export type Mode =
  | { readonly kind: 'mailbox' }
  | { readonly kind: 'connector'; readonly host: string; readonly helo: string }
  | { readonly kind: 'on-prem'; readonly host: string; readonly helo: string }
  | { readonly kind: 'forward'; readonly from: string }

export type Submission = {
  readonly tenant: Tenant
  readonly mode: Mode
  readonly mailFrom: string
  readonly recipients: readonly string[]
  /** The header section without its empty line, and the body; CRLF all through. */
  readonly header: string
  readonly body: string
  readonly parameters?: string
  /** Where to. */
  readonly relay: { readonly host: string; readonly port: number }
  /** Departures from what the real edge does, for attacks on what the relay must not assume. */
  readonly twist?: Twist
  /** What the edge signs and seals, as it does for tenants that have it set up; absent: nothing. */
  readonly signed?: { readonly dkim?: readonly DkimOrder[]; readonly arc?: readonly ArcOrder[] }
}

export type Twist = {
  /** Added after the edge's own stamps, as if its firewall had let them pass. */
  readonly afterStamps?: string
  /** Replaces one stamp: lower-cased name to value, or null to leave it out. */
  readonly stamps?: { readonly [name: string]: string | null }
  /** XOORG= to say instead of the originator; null to say none even where it is offered. */
  readonly xoorg?: string | null
  /** Another client certificate, or none. */
  readonly identity?: Identity | null
  /** Changes the message after it was stamped and signed. */
  readonly afterSigning?: (message: Buffer) => Buffer
  /** Another address than the edge's. */
  readonly from?: string
  readonly plain?: boolean
}

export type ExchangeOnline = {
  send(submission: Submission): Promise<SmtpReply>
}

/** Names that the edge owns: a sender's copies do not come out again (threats 2.2). */
const firewalled =
  /^(?:x-originatororg|x-originatororganization|x-ms-exchange-(?:crosstenant|transport|organization|crosspremises)-[^:]*|x-ms-exchange-senderadcheck)[ \t]*:/i

/**
 * An edge that stands at `address`, presents `identity`, strips and stamps as Exchange Online does, and hands the mail to a relay.
 * It forwards any author address for a tenant that owns the connector: that half of the hole is not ours to mend.
 */
export function createExchangeOnline(options: {
  readonly address: string
  readonly identity: Identity
  /** Where the keys of the provider are published. */
  readonly zone: Zone
}): ExchangeOnline {
  return {
    send: async (submission) => {
      const message = await signed(submission, options.zone)
      const twist = submission.twist ?? {}
      const identity = twist.identity === undefined ? options.identity : twist.identity
      const client = await SmtpClient.open({
        host: submission.relay.host,
        port: submission.relay.port,
        from: twist.from ?? options.address,
        greeting: 'NAM12-BN8-obe.outbound.protection.outlook.com',
        ...(twist.plain === true ? {} : { tls: identity === null ? {} : { key: identity.key, cert: identity.cert } }),
      })
      try {
        return await client.send({
          mailFrom: reversePathOf(submission),
          recipients: submission.recipients,
          message: submission.twist?.afterSigning?.(message) ?? message,
          parameters: parametersOf(submission),
        })
      } finally {
        await client.quit()
      }
    },
  }
}

/** Stamped, then signed by the tenant's key, then sealed: ARC-Seal ends up on top. */
async function signed(submission: Submission, zone: Zone): Promise<Buffer> {
  let message: Buffer = Buffer.from(`${stamped(submission)}\r\n${submission.body}`)
  for (const order of submission.signed?.dkim ?? []) {
    publishKey(zone, keyNameOf(order))
    message = await withDkim(message, order)
  }
  for (const order of submission.signed?.arc ?? []) {
    publishKey(zone, arcKeyName(order.sealer))
    message = await withArc(message, order)
  }
  return message
}

function originatorOf({ tenant, mailFrom }: Submission): string {
  const domain = mailFrom.slice(mailFrom.lastIndexOf('@') + 1).toLowerCase()
  return tenant.domains.includes(domain) ? domain : (tenant.domains[0] ?? tenant.initialDomain)
}

/** A reverse-path that is not the tenant's is rewritten by SRS (threats 1.3). */
function reversePathOf({ tenant, mailFrom, mode }: Submission): string {
  if (mailFrom === '') return ''
  const domain = mailFrom.slice(mailFrom.lastIndexOf('@') + 1).toLowerCase()
  if (tenant.domains.includes(domain) || domain === tenant.initialDomain) return mailFrom
  const local = mailFrom.slice(0, mailFrom.lastIndexOf('@'))
  return mode.kind === 'forward'
    ? `${local}+SRS=3OZRP=TY=${domain}=${local}@${tenant.domains[0] ?? tenant.initialDomain}`
    : `bounces+SRS=3OZRP=TY@${tenant.initialDomain}`
}

function parametersOf(submission: Submission): string {
  const said = submission.twist?.xoorg
  const xoorg = said === undefined ? originatorOf(submission) : said
  const withTls = submission.twist?.plain !== true
  return [submission.parameters, xoorg === null || !withTls ? undefined : `XOORG=${xoorg}`]
    .filter((one) => one !== undefined)
    .join(' ')
}

/** The header section as it leaves: forged stamps gone, the edge's own at the bottom. */
function stamped(submission: Submission): string {
  const fields = submission.header.split(/\r\n(?![ \t])/).filter((field) => field !== '' && !firewalled.test(field))
  const stamps = stampsOf(submission)
  const changed = submission.twist?.stamps ?? {}
  for (const [name, value] of Object.entries(changed)) {
    const at = stamps.findIndex(([known]) => known.toLowerCase() === name)
    if (at === -1 && value !== null) stamps.push([name, value])
    else if (value === null) stamps.splice(at, 1)
    else if (at !== -1) stamps[at] = [stamps[at]?.[0] ?? name, value]
  }
  const arrived = `Received: from CY3PR08.namprd08.prod.outlook.com ([fe80::1]) by CY3PR08.namprd08.prod.outlook.com\r\n with mapi id 15.20.9253.011; ${new Date().toUTCString().replace('GMT', '+0000')}`
  const lines = [arrived, ...fields, ...stamps.map(([name, value]) => `${name}: ${value}`)]
  return `${lines.join('\r\n')}\r\n${submission.twist?.afterStamps ?? ''}`
}

function stampsOf(submission: Submission): [string, string][] {
  const { tenant, mode } = submission
  const inTenant = tenant.domains.includes(authorDomainOf(submission.header))
  const common: [string, string][] = [
    ['X-OriginatorOrg', originatorOf(submission)],
    ['X-MS-Exchange-CrossTenant-OriginalArrivalTime', '24 Nov 2026 10:00:00.0000 (UTC)'],
    ['X-MS-Exchange-CrossTenant-Network-Message-Id', randomUUID()],
  ]
  switch (mode.kind) {
    case 'mailbox':
      return [
        ['x-ms-exchange-senderadcheck', inTenant ? '1' : '2'],
        ...common,
        ['X-MS-Exchange-CrossTenant-AuthAs', 'Internal'],
        ['X-MS-Exchange-CrossTenant-AuthSource', 'LV2PR12MB5990.namprd12.prod.outlook.com'],
        ['X-MS-Exchange-CrossTenant-fromentityheader', 'Hosted'],
        ['X-MS-Exchange-CrossTenant-id', tenant.id],
        ['X-MS-Exchange-CrossTenant-mailboxtype', 'HOSTED'],
        ['X-MS-Exchange-Transport-CrossTenantHeadersStamped', 'MW4PR12MB5665'],
      ]
    case 'connector':
    case 'on-prem':
      return [
        ['X-MS-Exchange-SenderADCheck', inTenant ? '1' : '2'],
        ...common,
        ['X-MS-Exchange-CrossTenant-Id', tenant.id],
        [
          'X-MS-Exchange-CrossTenant-OriginalAttributedTenantConnectingIp',
          `TenantId=${tenant.id};Ip=[${mode.host}];Helo=[${mode.helo}]`,
        ],
        ['X-MS-Exchange-CrossTenant-AuthSource', 'CY4PEPF0000EDD7.namprd03.prod.outlook.com'],
        ['X-MS-Exchange-CrossTenant-AuthAs', 'Anonymous'],
        ['X-MS-Exchange-CrossTenant-FromEntityHeader', 'HybridOnPrem'],
      ]
    case 'forward':
      return [
        ['X-MS-Exchange-SenderADCheck', '0'],
        ...common,
        ['X-MS-Exchange-CrossTenant-Id', tenant.id],
        ['X-MS-Exchange-CrossTenant-AuthSource', 'CY4PEPF0000EDD7.namprd03.prod.outlook.com'],
        ['X-MS-Exchange-CrossTenant-AuthAs', 'Anonymous'],
        ['X-MS-Exchange-CrossTenant-FromEntityHeader', 'Internet'],
      ]
    default:
      return mode satisfies never
  }
}

function authorDomainOf(header: string): string {
  return /^from:[^\r\n]*@([A-Za-z0-9.-]+)/im.exec(header)?.[1]?.toLowerCase() ?? ''
}
