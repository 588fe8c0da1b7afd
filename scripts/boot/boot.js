import module from 'node:module'
import { pathToFileURL } from 'node:url'
import { runChild } from './child.js'
import { ensureInstalled, environmentFor } from './install.js'
import { BootError, say } from './root.js'

/**
 * Runs an entry of ours under a Node.js that is new enough, with the locked packages in place.
 * `findEntry` is asked for the file only then, since it may lie in a package.
 */
export const boot = async (findEntry, args, { withTools }) => {
  try {
    const node = await ensureInstalled(withTools)
    const entry = findEntry()
    if (node === process.execPath) await runHere(entry, args)
    else process.exitCode = await runUnder(node, entry, args)
  } catch (error) {
    if (!(error instanceof BootError)) throw error
    say(error.message)
    process.exitCode = error.exitCode
  }
}

const runHere = async (entry, args) => {
  Object.assign(process.env, environmentFor(process.execPath))
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  process.argv = [process.execPath, entry, ...args]
  await import(pathToFileURL(entry).href)
}

/** The channel carries no message. It closes when this process dies in any way, and the child ends too. */
const runUnder = async (node, entry, args) => {
  const options = { env: environmentFor(node), stdio: ['inherit', 'inherit', 'inherit', 'ipc'] }
  const { code } = await runChild(node, [entry, ...args], options).catch((error) => {
    throw new BootError(`${node} can't be run (${error.message}): install Node.js yourself, then run this again`)
  })
  return code
}
