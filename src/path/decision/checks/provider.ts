import { consumerTenant } from '../../../standards/names/tenant.ts'
import type { GoogleEvidence, M365Evidence } from '../../evidence/evidence.ts'
import { type Check, type Matter, finding } from './matter.ts'

export const evidenceDuplicate: Check = (matter) => {
  const duplicates = (onMicrosoft(matter) ?? onGoogle(matter))?.duplicates ?? []
  return duplicates.length === 0
    ? null
    : finding(`more than one, or a look-alike, of: ${duplicates.join(', ')}`, duplicates[0])
}

export const evidenceMissing: Check = (matter) => {
  if (matter.evidence.connection.kind !== 'm365') return null
  const m365 = onMicrosoft(matter)
  const absent = [
    m365?.tenant == null ? 'the tenant id' : null,
    m365?.originator == null ? 'the originator domain' : null,
  ].filter((one) => one !== null)
  if (absent.length === 0) return null
  const malformed =
    m365 === null || m365.malformed.length === 0 ? '' : `; without a readable value: ${m365.malformed.join(', ')}`
  return finding(`absent: ${absent.join(' and ')}${malformed}`, absent.join(' and '))
}

export const evidenceConflict: Check = (matter) => {
  const m365 = onMicrosoft(matter)
  const conflicts = m365 === null ? (onGoogle(matter)?.conflicts ?? []) : [...m365.conflicts, ...contradictions(m365)]
  return conflicts.length === 0 ? null : finding([...new Set(conflicts)].join('; '), conflicts[0])
}

export const consumerService: Check = (matter) => {
  const m365 = onMicrosoft(matter)
  if (m365 === null || !(m365.consumer || m365.tenant?.value === consumerTenant)) return null
  return finding(
    `the consumer service (${m365.originator?.value ?? 'no originator'}, tenant ${m365.tenant?.value ?? 'not named'})`,
  )
}

export const tenantSuspended: Check = ({ standing: { suspended } }) =>
  suspended === null ? null : finding(`suspended: ${suspended.reason}`)

/** The pairs of facts that must agree are compared here too, whatever was gathered about them: a missed contradiction would be a signature. */
function contradictions({ xoorg, originator, attributed, tenant }: M365Evidence): readonly string[] {
  const found: string[] = []
  if (xoorg.kind === 'malformed') found.push('XOORG is no domain')
  if (xoorg.kind === 'given' && originator !== null && xoorg.domain !== originator.value) {
    found.push(`XOORG ${xoorg.domain} and originator ${originator.value}`)
  }
  if (attributed !== null && tenant !== null && attributed.tenant !== tenant.value) {
    found.push(`attributed tenant ${attributed.tenant} and tenant ${tenant.value}`)
  }
  return found
}

function onMicrosoft({ evidence }: Matter): M365Evidence | null {
  return evidence.connection.kind === 'm365' ? evidence.m365 : null
}

function onGoogle({ evidence }: Matter): GoogleEvidence | null {
  return evidence.connection.kind === 'google' ? evidence.google : null
}
