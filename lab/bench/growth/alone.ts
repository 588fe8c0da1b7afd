import type { PartResult } from '../parts/part.ts'
import { type Decider, openDecider } from './decide.ts'
import type { PartFigures } from './figures.ts'
import { policy } from './policy.ts'
import { prepareDataDirectory } from './prepared.ts'
import { queue } from './queue.ts'

/**
 * Runs one part in a process of its own, so that its memory and its collections of garbage are its own: the parent says what, and is told
 * the figures. A decider stays, and is asked for round after round.
 */

export type ToAlone =
  | { readonly part: 'policy' | 'queue'; readonly size: number }
  | { readonly part: 'prepare'; readonly size: number; readonly dataDir: string }
  | { readonly part: 'open-decider'; readonly size: number; readonly dataDir: string }
  | { readonly part: 'decide'; readonly active: number; readonly messages: number }

export type FromAlone =
  | { readonly figures: PartFigures }
  | { readonly opened: true; readonly rssMegabytes: number }
  | { readonly round: PartResult }
  | { readonly failed: string }

let decider: Decider | null = null

process.on('disconnect', () => process.exit())
process.on('message', (asked: ToAlone) => {
  void answer(asked).then(
    (said) => process.send?.(said),
    (error: unknown) =>
      process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  )
})

async function answer(asked: ToAlone): Promise<FromAlone> {
  switch (asked.part) {
    case 'policy':
      return { figures: await policy(asked.size) }
    case 'queue':
      return { figures: await queue(asked.size) }
    case 'prepare':
      await prepareDataDirectory(asked.dataDir, asked.size)
      return { figures: [] }
    case 'open-decider':
      decider = await openDecider(asked.size, asked.dataDir)
      return { opened: true, rssMegabytes: process.memoryUsage.rss() / 1_048_576 }
    case 'decide':
      if (decider === null) throw new Error('there is no decider')
      return { round: await decider(asked.active, asked.messages) }
    default:
      return asked satisfies never
  }
}
