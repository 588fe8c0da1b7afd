import { readFileSync, readdirSync } from 'node:fs'

export type ProcessRow = {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly name: string
}

/** Processes of this machine with their parent and group, and the part of ours that each plays. */
export function processTable(): ProcessRow[] {
  const found = []
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1')
      const [state, parent, group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      // Dead, and only its parent has not noticed.
      if (state === 'Z') continue
      const words = readFileSync(`/proc/${entry}/cmdline`, 'latin1').split('\0')
      found.push({ pid: Number(entry), parent: Number(parent), group: Number(group), name: nameOf(words) })
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
