import { OperationError } from '../doors/operations.ts'
import type { Explanation, ShapingFace, ShapingNotice } from '../path/delivery/index.ts'
import type { SupervisorChannel } from './child.ts'
import { relayNames } from './messages.ts'

/** Shaping as people work with it. */
export interface ShapingDesk {
  list(): Promise<readonly ShapingNotice[]>
  /** False when no action of that id is in force. */
  clear(id: string, by: string): Promise<boolean>
  explain(domain: string): Promise<Explanation>
}

type Arguments = { readonly id: string; readonly by: string; readonly domain: string }

/** Answers control's questions about shaping. */
export function answerShapingQuestions(channel: SupervisorChannel, shaping: ShapingFace): void {
  channel.answerOne('shaping-list', () => Promise.resolve(shaping.list()))
  channel.answerOne('shaping-clear', (args) => {
    const { id, by } = args as Arguments
    return Promise.resolve(shaping.clear(id, by))
  })
  channel.answerOne('shaping-explain', (args) => shaping.explain((args as Arguments).domain))
}

/** The shaping of all relays as control sees it, across the supervisor. */
export function askShaping(channel: SupervisorChannel): ShapingDesk {
  const relays = relayNames(channel.config.workers)
  const ask = async (relay: (typeof relays)[number], verb: string, args: Partial<Arguments>): Promise<unknown> => {
    try {
      return await channel.ask(relay, verb, args)
    } catch (error) {
      throw new OperationError('unavailable', `the relay can not be asked now: ${(error as Error).message}`)
    }
  }
  const askAll = (verb: string, args: Partial<Arguments>) => Promise.all(relays.map((relay) => ask(relay, verb, args)))
  return {
    list: async () => merged((await askAll('shaping-list', {})) as readonly (readonly ShapingNotice[])[]),
    clear: async (id, by) => (await askAll('shaping-clear', { id, by })).includes(true),
    explain: async (domain) => {
      const all = (await askAll('shaping-explain', { domain })) as readonly Explanation[]
      const [first] = all
      if (first === undefined) throw new OperationError('fault', 'there is no relay')
      return { ...first, inForce: merged(all.map((one) => one.inForce)) }
    },
  }
}

/** What several relays have in force, each once, as the one has it that changed it last. */
function merged(lists: readonly (readonly ShapingNotice[])[]): readonly ShapingNotice[] {
  const byId = new Map<string, ShapingNotice>()
  for (const notice of lists.flat()) {
    const known = byId.get(notice.id)
    if (known === undefined || known.changed < notice.changed) byId.set(notice.id, notice)
  }
  return [...byId.values()].toSorted((a, b) => a.from - b.from)
}
