import type { SignatureResult } from '../../../standards/dkim/index.ts'

/** Why a signature of the right domain is no evidence, or null: it has to hold, and to cover the whole body and the fields named here. */
export function gapOf(
  { result, reason, signedFields, uncoveredOctets }: SignatureResult,
  fields: readonly string[],
): string | null {
  if (result !== 'pass') return reason
  const open = fields.find((name) => !signedFields.includes(name.toLowerCase()))
  if (open !== undefined) return `it does not cover ${open}`
  return uncoveredOctets === 0 ? null : 'it leaves a part of the body uncovered'
}
