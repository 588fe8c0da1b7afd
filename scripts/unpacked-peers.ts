import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** Debian lets one mail server be installed: the others are unpacked, and run in roots of their own. */
const packages: readonly string[] = [
  'exim4-daemon-light',
  'libidn12',
  'libgnutls-dane0',
  'libunbound8',
  'opensmtpd',
  'libevent-2.1-7',
  'libdb5.3',
]

/** Where the packages are unpacked: beside the other things that are fetched for the tests. */
export const unpackedPeers = new URL('../node_modules/.cache/debian-peers', import.meta.url).pathname

/** Whether Exim and OpenSMTPD can be run: as root only, since each gets a root directory of its own. */
export function unpackedPeersAreThere(): boolean {
  return process.getuid?.() === 0 && existsSync(unpackedPeers)
}

/** Fetches and unpacks them unless that was done before; what went wrong, in words, or null. */
export function unpackPeers(): string | null {
  if (existsSync(unpackedPeers)) return null
  const above = join(unpackedPeers, '..')
  mkdirSync(above, { recursive: true })
  const directory = mkdtempSync(join(above, 'unpacking-'))
  try {
    const fetch = () => spawnSync('apt-get', ['-qq', 'download', ...packages], { cwd: directory, encoding: 'utf8' })
    let fetched = fetch()
    if (fetched.status !== 0) {
      // Its lists may name versions that are gone.
      spawnSync('apt-get', ['-qq', 'update'])
      fetched = fetch()
    }
    if (fetched.status !== 0) return `apt-get download: ${fetched.error?.message ?? fetched.stderr.trim()}`
    const root = join(directory, 'root')
    for (const file of readdirSync(directory).filter((name) => name.endsWith('.deb'))) {
      const unpacked = spawnSync('dpkg-deb', ['-x', join(directory, file), root], { encoding: 'utf8' })
      if (unpacked.status !== 0) return `dpkg-deb -x ${file}: ${unpacked.stderr.trim()}`
    }
    // Renamed into place: a run that was ended half-way leaves nothing that looks whole.
    renameSync(root, unpackedPeers)
    return null
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
