import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { lstatSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { type WrappingPlace, formatWrappingPlace, parseWrappingPlace } from './wrapping-place.ts'

/** How to start a signer process: the program, its arguments and its whole environment. */
export type Launch = {
  readonly program: string
  readonly arguments: readonly string[]
  readonly environment: { readonly [name: string]: string }
  /** The place of the wrapping key, absolute: what to tell the process. */
  readonly wrapping: string
  /** The same of the key under which keys are to be wrapped anew; only `rewrap` has another. */
  readonly to: string
}

/**
 * The powers of the signer, said to the runtime: it reads its own code and the file of the wrapping key, and nothing else. It writes no
 * file, opens no socket (Node.js 26; before that the permission model does not reach the network), starts no program unless the wrapping
 * key comes from one, loads no addon, and has no inspector. It gets no environment but what it needs, so no NODE_OPTIONS reach it.
 * Throws an Error in plain words when `wrapping` is no place.
 */
export function signerLaunch(
  mode: 'serve' | 'generate' | 'import' | 'rewrap',
  wrapping: string,
  to = wrapping,
): Launch {
  const places = [wrapping, to].map(parseWrappingPlace)
  const [place, toPlace] = places
  if (!place || !toPlace) throw new Error('keys.wrapping is not file:PATH, env:NAME or command:LINE')
  return {
    program: process.execPath,
    arguments: [
      ...permissionArguments(place, toPlace),
      '--disable-sigusr1',
      '--no-warnings',
      join(codeRoot(), 'src/signer/main.ts'),
      mode,
    ],
    environment: {
      UV_THREADPOOL_SIZE: String(Math.max(2, availableParallelism())),
      ...environmentFor(place),
      ...environmentFor(toPlace),
    },
    wrapping: formatWrappingPlace(place),
    to: formatWrappingPlace(toPlace),
  }
}

/** Starts it without core dumps (they would hold keys); its standard error is ours. */
export function startProcess(launch: Launch): ChildProcessByStdio<Writable, Readable, null> {
  return spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$@"', 'sh', launch.program, ...launch.arguments], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: launch.environment,
  })
}

export function permissionArguments(...places: readonly WrappingPlace[]): readonly string[] {
  const files = new Set(places.flatMap((place) => (place.kind === 'file' ? [place.path] : [])))
  const reading = [...codeOfTheSigner(), ...files].map((path) => `--allow-fs-read=${path}`)
  const byCommand = places.some((place) => place.kind === 'command')
  return ['--permission', ...reading, ...(byCommand ? ['--allow-child-process'] : [])]
}

function codeOfTheSigner(): readonly string[] {
  const root = codeRoot()
  const own = ['src/signer/', 'src/standards/', 'src/platform/', 'package.json'].map((path) => join(root, path))
  const idna = createRequire(import.meta.url).resolve('tr46')
  const punycode = createRequire(idna).resolve('punycode/')
  const packages = join(root, 'node_modules')
  // A link is itself looked at before it is followed.
  const link = lstatSync(packages, { throwIfNoEntry: false })?.isSymbolicLink() === true ? [packages] : []
  return [...own, `${dirname(idna)}/`, `${dirname(punycode)}/`, ...link]
}

function codeRoot(): string {
  return realpathSync(join(import.meta.dirname, '../..'))
}

function environmentFor(place: WrappingPlace): { readonly [name: string]: string } {
  const whole = Object.entries(process.env).filter((entry): entry is [string, string] => entry[1] !== undefined)
  switch (place.kind) {
    case 'file':
      return {}
    case 'env':
      return Object.fromEntries(whole.filter(([name]) => name === place.name))
    case 'command':
      return Object.fromEntries(whole.filter(([name]) => !name.startsWith('NODE_')))
    default:
      return place satisfies never
  }
}
