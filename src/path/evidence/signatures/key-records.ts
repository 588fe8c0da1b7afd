import { type Dns, isDnsTrouble } from '../../../platform/dns.ts'
import type { KeyAnswer, KeyAnswers, KeyNeed } from '../../../standards/dkim/index.ts'

/** Key records that are looked up for one message; more than this no provider's mail needs. */
const mostLookups = 8

/** Looks the key records up, all at once. What is over the limit stays out, which is "unavailable". */
export async function lookUpKeys(dns: Dns, needs: readonly KeyNeed[]): Promise<KeyAnswers> {
  const names = [...new Set(needs.map(({ name }) => name))].slice(0, mostLookups)
  const answers = await Promise.all(names.map(async (name) => [name, await answerFor(dns, name)] as const))
  return new Map(answers)
}

async function answerFor(dns: Dns, name: string): Promise<KeyAnswer> {
  const records = await dns.txt(name)
  if (isDnsTrouble(records)) return { kind: 'unavailable' }
  return records.length === 0 ? { kind: 'absent' } : { kind: 'found', records }
}
