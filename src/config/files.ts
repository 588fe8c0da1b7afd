import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import type { z } from 'zod'
import type { Problem } from '../standards/yaml/problem.ts'
import type { SourceText, YamlPath } from '../standards/yaml/source.ts'
import type { schema } from './schema.ts'

/** What is wrong with the certificates and keys that a configuration names, as whoever uses them would find it. */
export function fileProblems(
  source: SourceText,
  read: z.output<typeof schema>,
  absolute: (path: string) => string,
): readonly Problem[] {
  const { ca } = read.providers.m365.clientCertificate
  const pairs = [
    ...read.listeners.map(({ tls }, at) => ({ tls, path: ['listeners', at, 'tls'] })),
    { tls: read.control.tls, path: ['control', 'tls'] },
  ]
  const authorities = [
    { file: ca, path: ['providers', 'm365', 'clientCertificate', 'ca'] },
    { file: read.delivery.tlsCa, path: ['delivery', 'tlsCa'] },
    ...read.delivery.routes.map(({ tlsCa }, at) => ({ file: tlsCa, path: ['delivery', 'routes', at, 'tlsCa'] })),
  ]
  return [
    ...pairs.flatMap(({ tls, path }) => (tls === null ? [] : pairProblems(source, path, tls, absolute))),
    ...authorities.flatMap(({ file, path }) =>
      file === null || file === 'system' ? [] : authorityProblems(source, path, file, absolute),
    ),
  ]
}

function pairProblems(
  source: SourceText,
  path: YamlPath,
  tls: { readonly cert: string; readonly key: string },
  absolute: (path: string) => string,
): readonly Problem[] {
  const cert = contents(source, [...path, 'cert'], absolute(tls.cert))
  const key = contents(source, [...path, 'key'], absolute(tls.key))
  if (typeof cert !== 'string' || typeof key !== 'string') return [cert, key].filter((one) => typeof one !== 'string')
  const because = failureOf(() => createSecureContext({ cert, key }))
  return because === null ? [] : [source.problem([...path, 'cert'], `is not usable with its key: ${because}`)]
}

function authorityProblems(
  source: SourceText,
  path: YamlPath,
  ca: string,
  absolute: (path: string) => string,
): readonly Problem[] {
  const pem = contents(source, path, absolute(ca))
  if (typeof pem !== 'string') return [pem]
  const because = failureOf(() => new X509Certificate(pem))
  return because === null ? [] : [source.problem(path, `holds no certificate: ${because}`)]
}

function contents(source: SourceText, path: YamlPath, file: string): string | Problem {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    return source.problem(path, `cannot be read: ${(error as Error).message}`)
  }
}

function failureOf(attempt: () => unknown): string | null {
  try {
    attempt()
    return null
  } catch (error) {
    return (error as Error).message
  }
}
