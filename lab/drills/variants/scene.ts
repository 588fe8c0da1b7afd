import { setTimeout as pause } from 'node:timers/promises'
import { type Load, type LoadOptions, startLoad } from '../load.ts'
import { type Receiver, startReceiver } from '../receiver.ts'
import type { DrillOptions, Report } from '../report.ts'
import { type SmallWorld, type SmallWorldOptions, createSmallWorld } from '../small-world.ts'
import { takeStock } from '../stock.ts'

const bodyBytes = 2000
/** How long a drill waits for what must come, on a slow machine too. */
export const patienceMs = 60_000

export type Scene = {
  readonly world: SmallWorld
  readonly receiver: Receiver
  readonly say: (line: string) => void
  /** Begins to offer mail. */
  readonly load: (more?: Partial<LoadOptions>) => Load
  /** Notes what must not be, where it is. */
  readonly expect: (holds: boolean, otherwise: string) => void
  /** Waits for something that must come to be; gives the variant up when it does not. */
  readonly until: (what: string, holds: () => boolean | Promise<boolean>, withinMs?: number) => Promise<void>
}

/** What a variant does in its scene. Its load has stopped when it resolves. */
type Play = (scene: Scene) => Promise<Played>

export type Played = { readonly staysQueued?: number; readonly figures?: Report['figures'] }

/** It went on for too long: what is left of the variant would only wait as well. */
class GaveUp extends Error {}

/** Builds a world, plays the variant in it, and counts. */
export async function playVariant(
  drill: string,
  options: DrillOptions,
  world:
    | Omit<SmallWorldOptions, 'deliverToPort'>
    | ((receiverPort: number) => Omit<SmallWorldOptions, 'deliverToPort'>),
  play: Play,
): Promise<Report> {
  const receiver = await startReceiver(bodyBytes)
  const given = typeof world === 'function' ? world(receiver.port) : world
  let built: SmallWorld | null = null
  const loads: Load[] = []
  const faults: string[] = []
  try {
    built = await createSmallWorld({ deliverToPort: receiver.port, ...given })
    const { host, smtpPort: port } = built
    const scene: Scene = {
      world: built,
      receiver,
      say: options.say,
      load: (more) => {
        const load = startLoad({ host, port, connections: options.connections, bodyBytes, restMs: 20, ...more })
        loads.push(load)
        return load
      },
      expect: (holds, otherwise) => void (holds || faults.push(otherwise)),
      until: (what, holds, withinMs = patienceMs) => until(what, holds, withinMs),
    }
    const { staysQueued = 0, figures = {} } = await play(scene).catch(async (error: unknown) => {
      if (!(error instanceof GaveUp)) throw error
      faults.push(error.message)
      await loads.at(-1)?.stop()
      return { staysQueued: 0, figures: {} }
    })
    const load = loads.at(-1)
    if (load === undefined) throw new Error('the drill offered no mail')
    const withinMs = faults.length > 0 ? 1000 : patienceMs
    const stock = await takeStock(load, receiver, built.product(), { withinMs, staysQueued })
    return { drill, seed: options.seed, tally: stock.tally, faults: [...faults, ...stock.faults], figures }
  } finally {
    for (const load of loads) await load.stop()
    await built?.close()
    await receiver.close()
  }
}

async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = performance.now() + withinMs
  while (performance.now() < deadline) {
    if (await holds()) return
    await pause(20)
  }
  throw new GaveUp(`within ${withinMs} ms it did not come to this: ${what}`)
}
