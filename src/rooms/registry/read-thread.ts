import { parentPort, workerData } from 'node:worker_threads'
import { isPolicyProblems } from './document/problems.ts'
import { readPolicy } from './document/read-policy.ts'
import type { FromReadThread, ToRead } from './reading-thread.ts'

/** Reads one policy and says what came of it, in parts, so that whoever listens has time for other things in between. */

const partSize = 500

const { text, file, context } = workerData as ToRead
const read = readPolicy(text, file, context)
if (isPolicyProblems(read)) say({ problems: read })
else {
  const documents = [...read.documents]
  for (let from = 0; from < documents.length; from += partSize)
    say({ documents: documents.slice(from, from + partSize) })
  say('done')
}

function say(message: FromReadThread): void {
  parentPort?.postMessage(message)
}
