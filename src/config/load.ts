import { existsSync, readFileSync } from 'node:fs'
import { hostname as machineName } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import type { z } from 'zod'
import { isSyntaxFault } from '../standards/fault.ts'
import { type Domain, parseDomain } from '../standards/names/domain.ts'
import { readYaml } from '../standards/yaml/issues.ts'
import { type Problem, formatProblem } from '../standards/yaml/problem.ts'
import { YamlSource } from '../standards/yaml/source.ts'
import type { Config, ConfigProblems } from './config.ts'
import { fileProblems } from './files.ts'
import { schema } from './schema.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** What the machine adds. */
export type Surroundings = {
  readonly directory: string
  readonly machineName: string
  /** Whether the files that it names are opened too: for whoever is about to use them. */
  readonly opensFiles: boolean
}

export function here(): Surroundings {
  return { directory: process.cwd(), machineName: machineName(), opensFiles: false }
}

/** The configuration file to use: the one asked for, else `./anechoic.yaml` where there is one, else none. */
export function findConfig(asked: string | null, directory: string = process.cwd()): string | null {
  if (asked !== null) return asked
  const usual = join(directory, 'anechoic.yaml')
  return existsSync(usual) ? usual : null
}

/**
 * Reads a configuration file; with null, the configuration that holds without one. Relative paths in the file start at its own
 * directory, without a file at the working directory. On any problem at all there is no configuration, and every problem is told.
 */
export function loadConfig(
  path: string | null,
  environment: Environment,
  surroundings: Surroundings = here(),
): Config | ConfigProblems {
  const file = path === null ? null : resolve(surroundings.directory, path)
  const base = file === null ? surroundings.directory : dirname(file)
  let text = ''
  if (file !== null) {
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      return { problems: [`${path}:1:1 cannot be read: ${(error as Error).message}`] }
    }
  }
  const source = new YamlSource(text, environment)
  const read = readYaml(source, schema, {})
  const absolute = (path: string) => resolve(base, path)
  const problems =
    'value' in read
      ? [
          ...portClashes(source, read.value),
          ...(surroundings.opensFiles ? fileProblems(source, read.value, absolute) : []),
        ]
      : read.problems
  if (!('value' in read) || problems.length > 0) {
    return { problems: problems.map((problem) => formatProblem(path ?? 'anechoic.yaml', problem)) }
  }
  return deepFreeze(complete(read.value, file, absolute, surroundings.machineName))
}

type Read = z.output<typeof schema>

function complete(read: Read, file: string | null, absolute: (path: string) => string, machine: string): Config {
  const tls = (pair: { cert: string; key: string } | null) =>
    pair === null ? null : { cert: absolute(pair.cert), key: absolute(pair.key) }
  const dataDir = absolute(read.dataDir)
  const hostname = read.hostname ?? validName(machine)
  const operator = read.operator.domain ?? hostname
  const { ca, ...certificate } = read.providers.m365.clientCertificate
  return {
    ...read,
    file,
    hostname,
    operator: { domain: operator },
    dataDir,
    listeners: read.listeners.map((listener) => ({ ...listener, tls: tls(listener.tls) })),
    control: { ...read.control, tls: tls(read.control.tls), publicUrl: publicUrl(read.control) },
    store: { url: storeUrl(read.store.url, absolute, dataDir) },
    keys: {
      wrapping: wrapping(read.keys.wrapping, absolute, dataDir),
      zone: read.keys.zone ?? validName(`dkim.${operator}`),
      rotateAfter: read.keys.rotateAfter,
    },
    providers: {
      ...read.providers,
      m365: {
        ...read.providers.m365,
        clientCertificate: { ...certificate, ca: ca === 'system' ? ca : absolute(ca) },
      },
    },
    delivery: {
      ...read.delivery,
      shaping: read.delivery.shaping === null ? null : absolute(read.delivery.shaping),
      tlsCa: read.delivery.tlsCa === 'system' ? read.delivery.tlsCa : absolute(read.delivery.tlsCa),
      routes: read.delivery.routes.map((route) => ({
        ...route,
        tlsCa: route.tlsCa === null ? null : absolute(route.tlsCa),
      })),
    },
    policy: read.policy === null ? null : absolute(read.policy),
  }
}

function validName(machine: string): Domain {
  const name = parseDomain(machine)
  return isSyntaxFault(name) ? ('localhost' as Domain) : name
}

function publicUrl(control: Read['control']): string {
  if (control.publicUrl !== null) return control.publicUrl.replace(/\/+$/, '')
  const host = control.host.includes(':') ? `[${control.host}]` : control.host
  return `${control.tls === null ? 'http' : 'https'}://${host}:${control.port}`
}

function storeUrl(url: string | undefined, absolute: (path: string) => string, dataDir: string): string {
  if (url === undefined) return `sqlite:${join(dataDir, 'anechoic.db')}`
  const path = url.slice('sqlite:'.length)
  return path === ':memory:' ? url : `sqlite:${absolute(path)}`
}

function wrapping(given: string | undefined, absolute: (path: string) => string, dataDir: string): string {
  if (given === undefined) return `file:${join(dataDir, 'wrapping.key')}`
  return given.startsWith('file:') ? `file:${absolute(given.slice('file:'.length))}` : given
}

function portClashes(source: YamlSource, read: Read): readonly Problem[] {
  const { host, port } = read.control
  if (port === 0) return []
  return read.listeners.flatMap((listener, at) =>
    listener.port === port && listener.host === host
      ? [source.problem(['listeners', at, 'port'], 'control has this address and port')]
      : [],
  )
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
