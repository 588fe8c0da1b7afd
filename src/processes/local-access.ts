import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from '../config/index.ts'
import { Secret } from '../standards/secret.ts'

/** How a shell on this machine asks the running server. */
export type LocalAccess = { readonly url: string; readonly token: Secret<string> }

/** Whoever may read the data directory may use the server: its address and a token are left there, for the owner's eyes alone. */
export function writeLocalAccess(config: Config, port: number, token: Secret<string>): void {
  const host = config.control.host.includes(':') ? `[${config.control.host}]` : config.control.host
  const url = config.control.tls === null ? `http://${host}:${port}` : config.control.publicUrl
  const fresh = `${fileOf(config)}.new`
  rmSync(fresh, { force: true })
  writeFileSync(fresh, JSON.stringify({ url, token: token.reveal() }), { mode: 0o600 })
  // Renamed into place: nobody reads half of it.
  renameSync(fresh, fileOf(config))
}

/** Null when no server has left its address, or what is there is not one. */
export function readLocalAccess(config: Config): LocalAccess | null {
  try {
    const read = JSON.parse(readFileSync(fileOf(config), 'utf8')) as {
      readonly url?: unknown
      readonly token?: unknown
    }
    return typeof read.url === 'string' && typeof read.token === 'string'
      ? { url: read.url, token: new Secret(read.token) }
      : null
  } catch {
    return null
  }
}

/** For the owner of the data directory: what an instance before it has left is no longer true. */
export function removeLocalAccess(config: Config): void {
  rmSync(fileOf(config), { force: true })
}

function fileOf(config: Config): string {
  return join(config.dataDir, 'run', 'control.json')
}
