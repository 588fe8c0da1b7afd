import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Custody } from '../custody.ts'
import type { DecisionId } from '../../decision/decision.ts'
import { openShard } from '../sqlite/open.ts'
import { exampleEvent, exampleId, fastDirectory, quietLog } from './entries.ts'

/** A shard of its own for one test, which may be closed, tampered with and opened again. */
export class TestShard {
  readonly dataDir = mkdtempSync(join(fastDirectory, 'custody-'))
  #custody: Custody | null = null

  options() {
    return { dataDir: this.dataDir, shard: 1, log: quietLog, reserveBytes: 1 }
  }

  /** `writer` is the module of the writing thread. */
  async open(writer?: URL): Promise<Custody> {
    this.#custody = await openShard(this.options(), writer)
    return this.#custody
  }

  async reopen(meanwhile: (file: string) => void = () => undefined): Promise<Custody> {
    await this.close()
    meanwhile(join(this.dataDir, 'custody/1/custody.db'))
    return this.open()
  }

  async close(): Promise<void> {
    await this.#custody?.close()
    this.#custody = null
  }

  async remove(): Promise<void> {
    await this.close()
    rmSync(this.dataDir, { recursive: true })
  }

  get bodyDirectory(): string {
    return join(this.dataDir, 'custody/1/bodies')
  }

  bodies(): string[] {
    return readdirSync(this.bodyDirectory)
  }
}

/** Reads a body to its end and tells its size. */
export async function drain(from: Custody, id: DecisionId): Promise<number> {
  let size = 0
  for await (const piece of from.readBody(id)) size += piece.length
  return size
}

export function deliver(
  to: Custody,
  number: number,
  events = [exampleEvent(exampleId(number), 'delivered')],
): Promise<void> {
  return to.settle(exampleId(number), [{ index: 0, kind: 'delivered', reply: '250 ok' }], [], events)
}
