import {
  type HeaderField,
  type HeaderSection,
  fieldsNamed,
  rawFieldValue,
} from '../../../standards/message/header-section.ts'
import { isSyntaxFault } from '../../../standards/fault.ts'
import { type Domain, parseDomain } from '../../../standards/names/domain.ts'
import { type SealedResults, readSealedResults } from './authentication-results.ts'

/**
 * What the signature fields of a message say of themselves, read at a glance and believed of nobody: enough to tell whether it is worth
 * while to verify them.
 */
export type ClaimedSignatures = {
  readonly dkim: readonly ClaimedSignature[]
  /** The newest ARC-Authentication-Results field; null: there is no ARC set. */
  readonly arc: SealedResults | null
}

export type ClaimedSignature = {
  readonly field: HeaderField
  readonly domain: Domain | null
  /** Names X-MS-Exchange-SenderADCheck, as every signature of Exchange Online does. */
  readonly providerShaped: boolean
}

const mostLookedAt = 20

export function claimedSignatures(section: HeaderSection): ClaimedSignatures {
  return {
    dkim: fieldsNamed(section, 'dkim-signature')
      .slice(0, mostLookedAt)
      .map((field) => claimedSignature(section, field)),
    arc: newestResults(section),
  }
}

function claimedSignature(section: HeaderSection, field: HeaderField): ClaimedSignature {
  const text = rawFieldValue(section, field).toString('latin1')
  const domain = parseDomain(
    /(?:^|;)[ \t\r\n]{0,9}d[ \t\r\n]{0,9}=[ \t\r\n]{0,9}([^; \t\r\n]{1,255})/.exec(text)?.[1] ?? '',
  )
  return {
    field,
    domain: isSyntaxFault(domain) ? null : domain,
    providerShaped: /x-ms-exchange-senderadcheck/i.test(text),
  }
}

function newestResults(section: HeaderSection): SealedResults | null {
  let newest: { readonly instance: number; readonly text: string } | null = null
  for (const field of fieldsNamed(section, 'arc-authentication-results').slice(0, mostLookedAt)) {
    const text = rawFieldValue(section, field).toString('latin1')
    const [head = '', digits] =
      /^[ \t\r\n]{0,9}i[ \t\r\n]{0,9}=[ \t\r\n]{0,9}([0-9]{1,2})[ \t\r\n]{0,9};/.exec(text) ?? []
    if (digits === undefined || Number(digits) <= (newest?.instance ?? 0)) continue
    newest = { instance: Number(digits), text: text.slice(head.length) }
  }
  return newest === null ? null : readSealedResults(newest.text)
}
