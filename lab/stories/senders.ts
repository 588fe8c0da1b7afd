import { acme, addresses, crm } from '../world/cast.ts'
import type { Mode, Submission, Tenant } from '../world/exchange-online.ts'
import type { GoogleSubmission } from '../world/google-relay.ts'
import { SmtpClient, type SmtpReply } from '../world/smtp-client.ts'
import type { World } from '../world/world.ts'
import type { HeaderFields, Stage } from './story.ts'

/** A message as stories tell it: what is not said is what an honest sender at Acme would send. */
export type Mail = Partial<HeaderFields> & {
  readonly mailFrom?: string
  readonly recipients?: readonly string[]
  readonly body?: string
  /** Parameters of MAIL. */
  readonly parameters?: string
  /** The whole header section instead of one made from the other fields. */
  readonly header?: string
}

const ann = 'Ann Author <ann@acme.example>'

/** Somebody's message leaves Exchange Online for the relay: by default written in a mailbox of Acme's tenant. */
export function throughExchangeOnline(
  world: World,
  stage: Stage,
  mail: Mail & Pick<Submission, 'twist' | 'signed'> & { readonly tenant?: Tenant; readonly mode?: Mode },
): Promise<SmtpReply> {
  const { tenant = acme, mode = { kind: 'mailbox' }, twist, signed, parameters } = mail
  return world.exchangeOnline.send({
    tenant,
    mode,
    mailFrom: mail.mailFrom ?? 'ann@acme.example',
    recipients: mail.recipients ?? [stage.recipient],
    header: headerOf(stage, mail),
    body: bodyOf(mail),
    relay: world.relay,
    ...(twist === undefined ? {} : { twist }),
    ...(signed === undefined ? {} : { signed }),
    ...(parameters === undefined ? {} : { parameters }),
  })
}

/** Somebody's message leaves Google's relay: by default Acme's own Workspace, which signs as acme.example. */
export function throughGoogle(
  world: World,
  stage: Stage,
  mail: Mail & Partial<Pick<GoogleSubmission, 'workspace' | 'dkim' | 'tls'>> = {},
): Promise<SmtpReply> {
  const { workspace = 'acme.example', dkim = [{ domain: 'acme.example', selector: 'google' }], tls } = mail
  return world.google.send({
    mailFrom: mail.mailFrom ?? 'ann@acme.example',
    recipients: mail.recipients ?? [stage.recipient],
    header: headerOf(stage, mail),
    body: bodyOf(mail),
    workspace,
    dkim,
    relay: world.relay,
    ...(tls === undefined ? {} : { tls }),
  })
}

export type Host = {
  /** The loopback address that it stands at. */
  readonly address: string
  /** Speaks TLS; with a certificate when key and cert are given. */
  readonly tls?: { readonly key?: string; readonly cert?: string }
  /** Signs in as Acme's CRM does. */
  readonly signIn?: boolean
}

/** A host of the outside world hands a message to the relay itself: by default one from Acme. */
export async function fromHost(world: World, stage: Stage, host: Host, mail: Mail = {}): Promise<SmtpReply> {
  const client = await connectFrom(world, host)
  try {
    return await client.send({
      mailFrom: mail.mailFrom ?? 'ann@acme.example',
      recipients: mail.recipients ?? [stage.recipient],
      message: Buffer.from(`${headerOf(stage, mail)}\r\n${bodyOf(mail)}`),
      ...(mail.parameters === undefined ? {} : { parameters: mail.parameters }),
    })
  } finally {
    await client.quit()
  }
}

/** A connection from a host, greeted and signed in, for stories that speak for themselves. */
export async function connectFrom(world: World, host: Host): Promise<SmtpClient> {
  const client = await SmtpClient.open({
    ...world.relay,
    from: host.address,
    greeting: 'host.lab.example',
    ...(host.tls === undefined ? {} : { tls: host.tls }),
  })
  if (host.signIn === true) {
    const answer = await client.command(
      `AUTH PLAIN ${Buffer.from(`\0${crm.username}\0${crm.password}`).toString('base64')}`,
    )
    if (answer.code !== 235) throw new Error(`the account was not taken: ${answer.code} ${answer.text}`)
  }
  return client
}

/** Acme's plant: its address is all that it has, and all that it needs. */
export const plant: Host = { address: addresses.plant }

/** Acme's CRM: anywhere, with its account, over TLS. */
export const crmAccount: Host = { address: addresses.office, tls: {}, signIn: true }

/** What a forger writes to look like Acme's own tenant. */
export const forgedStamps = [
  'X-OriginatorOrg: acme.example',
  `X-MS-Exchange-CrossTenant-Id: ${acme.id}`,
  'X-MS-Exchange-CrossTenant-AuthAs: Internal',
  'X-MS-Exchange-CrossTenant-FromEntityHeader: Hosted',
  'X-MS-Exchange-SenderADCheck: 1',
  '',
].join('\r\n')

function headerOf(stage: Stage, mail: Mail): string {
  return mail.header ?? stage.header({ ...mail, from: mail.from ?? ann })
}

function bodyOf(mail: Mail): string {
  return mail.body ?? 'Hello.\r\n'
}
