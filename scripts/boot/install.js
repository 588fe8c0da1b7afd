import { existsSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { exitCodeOf, runChild } from './child.js'
import { withLock } from './lock.js'
import { BootError, floor, readJson, root, runtimeDir, say } from './root.js'

const runtimeName = `node-${process.platform}-${process.arch}`
const runtimeNode = join(runtimeDir, 'node_modules', runtimeName, 'bin', 'node')

/**
 * Makes sure that there is a Node.js new enough and that the locked packages are there.
 * Resolves to the Node.js to use. `withTools` also asks for the packages of development.
 */
export const ensureInstalled = async (withTools) => {
  const ownIsEnough = isNewEnough(process.versions.node)
  const node = ownIsEnough ? process.execPath : runtimeNode
  const hasRuntime = () => ownIsEnough || (existsSync(runtimeNode) && matchesLock(runtimeDir, false))
  const hasPackages = () => matchesLock(root, withTools)
  if (hasRuntime() && hasPackages()) return node

  await withLock(join(root, '.install.lock'), async (noteInstaller) => {
    // Looked at again, since another start may have done it while we waited.
    if (!hasRuntime()) await installRuntime(noteInstaller)
    if (hasPackages()) return
    say('installing the packages (once for each change of package-lock.json)')
    await npmCi(root, withTools ? ['--include=dev'] : [], node, noteInstaller)
  })
  return node
}

/** This Node.js and our own tools come first in PATH, so that every script and child below uses them. */
export const environmentFor = (node) => ({
  ...process.env,
  PATH: [dirname(node), join(root, 'node_modules', '.bin'), process.env.PATH].filter(Boolean).join(delimiter),
  NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(root, 'node_modules', '.cache', 'compile'),
})

const isNewEnough = (version) => {
  const [major, minor] = version.split('.').map(Number)
  const [floorMajor, floorMinor] = floor.split('.').map(Number)
  return major > floorMajor || (major === floorMajor && minor >= floorMinor)
}

const installRuntime = async (noteInstaller) => {
  const pinned = readJson(join(runtimeDir, 'package-lock.json')).packages[`node_modules/${runtimeName}`]
  const tooOld = `Node.js ${process.versions.node} is older than ${floor}`
  if (pinned) {
    say(`${tooOld}: installing ${pinned.version} under scripts/runtime (once)`)
    await npmCi(runtimeDir, ['--include=optional'], process.execPath, noteInstaller)
  }
  // npm passes over an optional package that it can't get, and says nothing.
  if (existsSync(runtimeNode)) return
  throw new BootError(
    `${tooOld} and ${runtimeName} can't be had: install Node.js ${floor} or newer, then run this again`,
  )
}

/**
 * Compares what npm says it installed with what the lock asks for: file times would be cheaper, and
 * wrong after a checkout, a copy or a restore. What only some platforms get may be absent.
 */
const matchesLock = (directory, withTools) => {
  const record = join(directory, 'node_modules', '.package-lock.json')
  if (!existsSync(record)) return false
  const installed = readJson(record).packages
  const { '': _project, ...locked } = readJson(join(directory, 'package-lock.json')).packages
  return Object.entries(locked).every(([path, wanted]) => {
    const found = installed[path]
    if (found) return found.version === wanted.version && found.integrity === wanted.integrity
    return Boolean(wanted.optional || wanted.devOptional || (wanted.dev && !withTools))
  })
}

const npmCi = async (directory, options, node, noteInstaller) => {
  // Under `npm start` npm need not be in PATH, and its own file is told.
  const underNpm = basename(process.env.npm_execpath ?? '') === 'npm-cli.js'
  const [command, ...first] = underNpm ? [node, process.env.npm_execpath] : ['npm']
  const env = environmentFor(node)
  const stdio = ['ignore', process.stderr, process.stderr]
  const { code, passedOn } = await runChild(
    command,
    [...first, 'ci', ...options],
    { cwd: directory, env, stdio },
    noteInstaller,
  ).catch((error) => {
    throw new BootError(
      `npm can't be run (${error.message}): install npm, or run npm ci in ${directory} elsewhere, then run this again`,
    )
  })
  if (passedOn) throw new BootError(`stopped by ${passedOn} while installing`, exitCodeOf(passedOn))
  if (code !== 0)
    throw new BootError(
      `npm ci failed in ${directory} (code ${code}, its words are above): mend that, then run this again`,
    )
}
