import type { StoryEvent } from '../../doors/operations.ts'
import type { ManualRoute } from '../../path/custody/index.ts'
import type { LedgerEvent } from '../../rooms/ledger/index.ts'

/** One step of a message's life as people read it. What peers said is quoted as it came; printing it safely is the reader's part. */
export function inWords(event: LedgerEvent): StoryEvent {
  const { at, kind, detail } = event
  const { dialogue } = detail
  const lines = typeof dialogue === 'string' && dialogue !== '' ? { lines: dialogue.split('\n') } : {}
  return { at: new Date(at).toISOString(), kind, words: wordsOf(event), ...lines }
}

function wordsOf({ kind, detail }: LedgerEvent): string {
  const text = (name: string): string => shown(detail[name])
  switch (kind) {
    case 'decision':
      return `${text('verdict')} by ${text('rule')}: ${text('because')}`
    case 'signed':
      return `judged again by version ${text('policyVersion')} of the policy, and signed for ${text('domain')} with ${text('selectors')}`
    case 'cleaned':
      return `taken off before signing: ${text('removed')}`
    case 'delivered':
      return `${text('recipients')} at ${serverIn(detail)}: ${text('reply')}`
    case 'deferred':
      return `${text('recipients')} at ${serverIn(detail)}, about ${text('class')}, again ${moment(detail['dueAt'])}: ${text('reply')}`
    case 'failed':
      return `${text('recipients')} at ${serverIn(detail)}, about ${text('class')}, status ${text('status')}: ${text('reply')}`
    case 'discarded':
      return `${text('recipients')} not sent: ${text('reason')}`
    case 'bounced-later':
      return `${text('recipients')} came back, about ${text('class')}, ${linkedBy(detail)}: ${text('reply')}`
    case 'complained':
      return `${text('recipients')} complained, ${linkedBy(detail)}: ${text('reply')}`
    case 'reported-later':
      return `reported later (${text('what')}) about ${text('recipients')}, ${linkedBy(detail)}: ${text('reply')}`
    case 'feedback':
      return feedbackInWords(detail)
    case 'held':
      return `held by ${text('by')} until ${moment(detail['until'])}, ${atEnd(detail['atEnd'])}${owned(detail['owner'])}: ${text('reason')}`
    case 'released':
      return `released by ${text('by')}`
    case 'hurried':
      return `made due now by ${text('by')}`
    case 'rerouted':
      return `sent ${way(detail['route'])} from now on, by ${text('by')}`
    case 'cancelled':
    case 'expired':
    case 'bounced':
      return `given up for ${text('recipients')} by ${text('by')}${detail['heldFor'] === undefined ? '' : `, held for: ${text('heldFor')}`}: ${text('reply')}`
    case 'body-read':
      return `its body was read by ${text('by')}: ${text('reason')}`
    case 'dsn':
      return `report ${text('report')} (${text('action')}) to the sender about ${text('recipients')}`
    case 'reports-on':
      return `this is a report of ours about ${text('about')}`
    case 'damaged':
      return `set aside as damaged: ${text('what')}`
    case 'proof-seen':
      return `the proof of ${text('domain')} was seen: ${text('because')}`
    case 'proof-missing':
      return `the proof of ${text('domain')} is gone: ${text('because')}; it counts until ${moment(detail['lapsesAt'])}`
    case 'proof-lapsed':
      return `the proof of ${text('domain')} has lapsed: ${text('because')}`
    case 'claim-refused':
      return `${text('claimant')} claimed ${text('domain')}, which ${text('holder')} holds: refused`
    case 'site-slowed':
      return `${text('site')} is given ${Math.round(Number(detail['factor']) * 100)}% until ${moment(detail['until'])} (${text('action')}, ${text('rule')}), after ${text('replies')} replies about ${text('class')}: ${text('reply')}`
    case 'site-suspended':
      return `nothing goes to ${text('site')} for ${text('scope')} until ${moment(detail['until'])} (${text('action')}, ${text('rule')}), after ${text('replies')} replies about ${text('class')}: ${text('reply')}`
    case 'site-resumed':
      return `${text('site')} is served as before (${text('action')}, ${text('how')} by ${text('by')})`
    default:
      return kind satisfies never
  }
}

/** The server that was spoken to, or what would have led to one. */
function serverIn({ remote, destination, tls }: LedgerEvent['detail']): string {
  if (typeof remote !== 'object' || remote === null) return shown(destination)
  const { name, address, port } = remote as { readonly name: string; readonly address: string; readonly port: number }
  const host = name === address ? address : `${name} (${address})`
  return `${host} port ${port}${typeof tls === 'string' ? `, ${tls}` : ', not encrypted'}`
}

/** How a report was brought to its message, and whom SPF and DKIM showed behind it. */
function linkedBy({ by, from }: LedgerEvent['detail']): string {
  const known = (from ?? {}) as { readonly client?: string; readonly spf?: string; readonly dkim?: readonly string[] }
  const signed = known.dkim === undefined || known.dkim.length === 0 ? '' : `, signed by ${known.dkim.join(', ')}`
  const sender =
    known.client === undefined ? '' : ` from ${known.client} (SPF ${known.spf ?? 'not looked at'}${signed})`
  return `found by ${shown(by)}${sender}`
}

function feedbackInWords(detail: LedgerEvent['detail']): string {
  const { found, message, rule, reply } = detail
  if (found === 'refused') return `refused by ${shown(rule)}: ${shown(reply)}`
  const what = found === 'other' ? 'no report' : `a ${shown(found)}`
  return message === null || message === undefined
    ? `${what}, about no message that we know`
    : `${what} about ${shown(message)}`
}

function atEnd(value: unknown): string {
  switch (value) {
    case 'release':
      return 'then released'
    case 'bounce':
      return 'then returned to its sender with the reason'
    default:
      return 'then cancelled'
  }
}

function owned(owner: unknown): string {
  return typeof owner === 'string' ? `, for ${owner} to look at` : ''
}

function way(route: unknown): string {
  if (typeof route !== 'object' || route === null) return 'the usual way'
  const { host, port, tls } = route as ManualRoute
  return `to ${host} port ${port}, TLS ${tls},`
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join(', ')
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value)
  return value === undefined || value === null ? 'nothing' : JSON.stringify(value)
}

function moment(value: unknown): string {
  return typeof value === 'number' ? new Date(value).toISOString() : 'further notice'
}
