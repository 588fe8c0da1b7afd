import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
export const runtimeDir = join(root, 'scripts', 'runtime')

export const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'))

const manifest = readJson(join(root, 'package.json'))
/** The oldest Node.js the program runs on, as `major.minor`; package.json is where it is said. */
export const floor = manifest.engines.node.replace('>=', '')

/** Exit codes of the contract (section 1). */
export const USAGE = 2
const OUR_FAULT = 70

/** A failure whose message already says what to do: it is shown without a stack. */
export class BootError extends Error {
  constructor(message, exitCode = OUR_FAULT) {
    super(message)
    this.exitCode = exitCode
  }
}

// Standard output belongs to the program: scripts read it.
export const say = (line) => process.stderr.write(`anechoic: ${line}\n`)
