import type { SyntaxFault } from '../../standards/fault.ts'
import type { Evidence } from './evidence.ts'

/**
 * Evidence read back from the ledger and sealed anew, as `restoreEvidence` does it. Only replay asks for it: the schema is loaded
 * by the first call, so that a relay does without it.
 */
export async function recallEvidence(json: unknown): Promise<Evidence | SyntaxFault> {
  const { restoreEvidence } = await import('./restore.ts')
  return restoreEvidence(json)
}
