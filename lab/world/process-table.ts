import { readFileSync, readdirSync } from 'node:fs'

/** Processes of this machine with their parent, and the part of ours that each plays. */
export function processTable(): { readonly pid: number; readonly parent: number; readonly name: string }[] {
  const found = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
      const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
      const words = readFileSync(`/proc/${entry}/cmdline`, 'latin1').split('\0')
      found.push({ pid: Number(entry), parent, name: nameOf(words) })
    } catch {
      // It ended between the two looks.
    }
  }
  return found
}

function nameOf(words: readonly string[]): string {
  if (words.some((word) => word.endsWith('signer/main.ts'))) return 'signer'
  const at = words.findIndex((word) => word.endsWith('processes/main.ts'))
  return at === -1 ? 'other' : (words[at + 1] ?? 'other')
}
