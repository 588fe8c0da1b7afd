import type { Claimed } from '../../../standards/claim.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { type Domain, parseDomain } from '../../../standards/names/domain.ts'
import { parseIp } from '../../../standards/names/ip.ts'
import { type TenantId, consumerTenant, parseTenantId } from '../../../standards/names/tenant.ts'
import { isConsumerOriginator } from '../../../standards/providers/index.ts'
import type { M365Evidence } from '../evidence.ts'
import { verified } from '../verified.ts'
import { type TrustField, type TrustValues, trustFields } from './trust-fields.ts'

/**
 * Reads what Exchange Online stamped on a message, from a connection that is proven to be its own. `xoorg` is what MAIL said (threats of a
 * planted header do not reach it). Signatures are not looked at here.
 */
export function readM365(fields: TrustValues, xoorg: Claimed<string> | null): M365Evidence {
  const malformed = new Set<string>()
  const read = <T>(field: TrustField, parse: (text: string) => T | null): T | null => {
    const text = fields.value(field)
    if (text === null) return null
    const value = parse(text)
    if (value === null) malformed.add(trustFields[field])
    return value
  }
  const tenant = read('tenant', tenantOf)
  const originator = read('originator', domainOf)
  const organization = fields.value('organization')
  const attributed = read('attributed', attributedOf)
  const said = xoorgOf(xoorg)
  const authAs = read('authAs', authAsOf)
  const entity = read('entity', entityOf)
  const senderAdCheck = read('senderAdCheck', (text) => (/^[0-9]{1,3}$/.test(text) ? text : null))
  const networkMessageId = read('networkMessageId', tenantOf)
  return {
    duplicates: fields.duplicates,
    malformed: [...malformed],
    tenant: tenant === null ? null : verified(tenant, 'stamped'),
    originator: originator === null ? null : verified(originator, 'stamped'),
    consumer: tenant === consumerTenant || isConsumerOriginator(fields.value('originator') ?? ''),
    xoorg: said,
    attributed,
    authAs,
    entity,
    // A value that is no number is kept as a statement that is not 1.
    senderAdCheck: senderAdCheck ?? (malformed.has(trustFields.senderAdCheck) ? 'malformed' : null),
    networkMessageId,
    conflicts: conflictsBetween({ tenant, originator, organization, attributed, xoorg: said }),
    doubts: [],
    dkim: 'not-evaluated',
    arc: 'not-evaluated',
    findings: [],
  }
}

type Compared = {
  readonly tenant: TenantId | null
  readonly originator: Domain | null
  readonly organization: string | null
  readonly attributed: M365Evidence['attributed']
  readonly xoorg: M365Evidence['xoorg']
}

/** Facts against facts. What the policy wants plays no part here. */
function conflictsBetween({ tenant, originator, organization, attributed, xoorg }: Compared): readonly string[] {
  const conflicts: string[] = []
  if (xoorg.kind === 'malformed') conflicts.push('XOORG is no domain')
  if (xoorg.kind === 'given' && originator !== null && xoorg.domain !== originator) {
    conflicts.push(`XOORG ${xoorg.domain} and originator ${originator}`)
  }
  if (organization !== null && originator !== null && domainOf(organization) !== originator) {
    conflicts.push(`X-OriginatorOrganization and originator ${originator} differ`)
  }
  if (attributed !== null && tenant !== null && attributed.tenant !== tenant) {
    conflicts.push(`attributed tenant ${attributed.tenant} and tenant ${tenant}`)
  }
  return conflicts
}

function xoorgOf(said: Claimed<string> | null): M365Evidence['xoorg'] {
  if (said === null) return { kind: 'absent' }
  const domain = domainOf(said.claimed)
  return domain === null ? { kind: 'malformed' } : { kind: 'given', domain }
}

function tenantOf(text: string): TenantId | null {
  const tenant = parseTenantId(text)
  return isSyntaxFault(tenant) ? null : tenant
}

/** An A-label name without regard to case; anything but plain ASCII has no place in a stamp. */
function domainOf(text: string): Domain | null {
  if (!/^[!-~]{1,253}$/.test(text) || text.endsWith('.')) return null
  const domain = parseDomain(text)
  return isSyntaxFault(domain) ? null : domain
}

const attributedForm =
  /^TenantId=([0-9a-f-]{36})[ \t]{0,9};[ \t]{0,9}Ip=\[([0-9a-f:.]{2,45})\][ \t]{0,9};[ \t]{0,9}Helo=\[([!-Z^-~]{0,255})\][ \t]{0,9};?$/i

/** `TenantId=…;Ip=[…];Helo=[…]`: the tenant whose connector let a host in, and that host (threats 2.2). */
function attributedOf(text: string): M365Evidence['attributed'] {
  const [, tenantText = '', addressText = '', helo = ''] = attributedForm.exec(text) ?? []
  const tenant = tenantOf(tenantText)
  const address = parseIp(addressText)
  return tenant === null || isSyntaxFault(address) ? null : { tenant, address, helo }
}

function authAsOf(text: string): M365Evidence['authAs'] {
  const word = text.toLowerCase()
  return word === 'internal' || word === 'anonymous' ? word : 'other'
}

function entityOf(text: string): M365Evidence['entity'] {
  const word = text.toLowerCase()
  return word === 'hosted' || word === 'hybridonprem' || word === 'internet' ? word : 'other'
}
