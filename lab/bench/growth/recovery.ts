import { freePort } from '../../world/free-port.ts'
import { startSink } from '../load.ts'
import type { PartFigures } from './figures.ts'
import { memoryByName, prepare, startGrownTo } from './grown-product.ts'
import { fillQueue } from './queue.ts'

/** The whole product, started over an empty queue and over so many messages that are due in an hour. */
export async function recovery(messages: number): Promise<PartFigures> {
  return [...(await startOver(0)), ...(await startOver(messages))]
}

async function startOver(messages: number): Promise<PartFigures> {
  const sink = await startSink(await freePort())
  const prepared = await prepare(10)
  await fillQueue(prepared.dataDir, messages, Date.now() + hourMs)
  const grown = await startGrownTo(prepared, sink.port)
  const size = `${messages} queued`
  const relay = memoryByName(grown).get('relay')
  await grown.stop()
  await sink.stop()
  return [
    { size, name: 'start of the product to ready', value: grown.startMs, unit: 'ms' },
    { size, name: 'CPU of all its processes until then', value: grown.startCpuMs, unit: 'ms' },
    { size, name: 'RSS of the relay then', value: relay?.now ?? Number.NaN, unit: 'MB' },
    { size, name: 'RSS of the relay at its highest', value: relay?.peak ?? Number.NaN, unit: 'MB' },
  ]
}

const hourMs = 3_600_000
