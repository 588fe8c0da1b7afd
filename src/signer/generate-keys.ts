import { text } from 'node:stream/consumers'
import type { GeneratedKey, KeyOrder } from './generate.ts'
import { signerLaunch, startProcess } from './launch.ts'

/**
 * Makes keys in a signer process of their own, which prints them already wrapped: no private key enters this process. Answers in the order
 * asked; throws an Error in plain words when the process fails (its own words are on standard error). One run makes any number: 2048 bits
 * take about 0.1 s each.
 */
export async function generateKeys(wrapping: string, keys: readonly KeyOrder[]): Promise<readonly GeneratedKey[]> {
  if (keys.length === 0) return []
  const launch = signerLaunch('generate', wrapping)
  const child = startProcess(launch)
  const exit = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve(code))
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(JSON.stringify({ wrapping: launch.wrapping, keys }))
  const [printed, code] = await Promise.all([text(child.stdout), exit])
  if (code !== 0) throw new Error(`the signer made no keys: it ended with ${code ?? 'a signal'}`)
  return (JSON.parse(printed) as { readonly keys: readonly GeneratedKey[] }).keys
}
