import { type ChildProcess, fork } from 'node:child_process'
import type { PartResult } from '../parts/part.ts'
import type { FromAlone, ToAlone } from './alone.ts'
import type { PartFigures } from './figures.ts'

/** A process of its own for a part of the measurement. */
export class Alone {
  readonly #child: ChildProcess

  constructor() {
    // A policy of 100,000 customers is given several times over to one process here.
    this.#child = fork(new URL('./alone.ts', import.meta.url), { execArgv: ['--max-old-space-size=8192'] })
  }

  async figures(part: 'policy' | 'queue', size: number): Promise<PartFigures> {
    const said = await this.#ask({ part, size })
    if (!('figures' in said)) throw new Error('the part told no figures')
    return said.figures
  }

  /** Fills a data directory. */
  async prepare(size: number, dataDir: string): Promise<void> {
    await this.#ask({ part: 'prepare', size, dataDir })
  }

  /** Its RSS then, in megabytes. */
  async openDecider(size: number, dataDir: string): Promise<number> {
    const said = await this.#ask({ part: 'open-decider', size, dataDir })
    if (!('opened' in said)) throw new Error('the decider is not open')
    return said.rssMegabytes
  }

  async decide(active: number, messages: number): Promise<PartResult> {
    const said = await this.#ask({ part: 'decide', active, messages })
    if (!('round' in said)) throw new Error('the decider told no times')
    return said.round
  }

  end(): void {
    this.#child.kill()
  }

  #ask(asked: ToAlone): Promise<FromAlone> {
    return new Promise((resolve, reject) => {
      const ended = (): void => reject(new Error(`the process of ${asked.part} ended`))
      this.#child.once('exit', ended)
      this.#child.once('message', (said: FromAlone) => {
        this.#child.off('exit', ended)
        if ('failed' in said) reject(new Error(said.failed))
        else resolve(said)
      })
      this.#child.send(asked)
    })
  }
}
