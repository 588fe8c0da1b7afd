import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { Secret } from '../standards/secret.ts'

/** How a shell on this machine asks the running server. */
export type LocalAccess = { readonly url: string; readonly token: Secret<string> }

/** Whoever may read the data directory may use the server: address and token of this boot are left there. */
export function writeLocalAccess(config: Config, port: number, token: Secret<string>): void {
  mkdirSync(join(config.dataDir, 'run'), { recursive: true, mode: 0o700 })
  const host = config.control.host.includes(':') ? `[${config.control.host}]` : config.control.host
  const url = config.control.tls === null ? `http://${host}:${port}` : config.control.publicUrl
  writeFileSync(fileOf(config), JSON.stringify({ url, token: token.reveal() }), { mode: 0o600 })
}

/** Throws when no server has left its address yet. */
export function readLocalAccess(config: Config): LocalAccess {
  const read = JSON.parse(readFileSync(fileOf(config), 'utf8')) as { readonly url: string; readonly token: string }
  return { url: read.url, token: new Secret(read.token) }
}

function fileOf(config: Config): string {
  return join(config.dataDir, 'run', 'control.json')
}
