import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { unpackPeers } from './unpacked-peers.ts'

/** Mail software that is not ours: tests ask it whether what we send is right. */
const peers: readonly { debianPackage: string; program: string; for: string; perlModule?: string }[] = [
  { debianPackage: 'swaks', program: 'swaks', for: 'an SMTP client that is not ours' },
  {
    debianPackage: 'libnet-ssleay-perl',
    program: 'perl',
    perlModule: 'Net::SSLeay',
    for: 'TLS in swaks',
  },
  { debianPackage: 'postfix', program: 'smtp-sink', for: 'an SMTP server that is not ours' },
  { debianPackage: 'opendkim', program: 'opendkim', for: 'a DKIM verifier' },
  { debianPackage: 'opendkim-tools', program: 'opendkim-testmsg', for: 'a DKIM verifier' },
  { debianPackage: 'python3', program: 'python3', for: 'a reader of reports that is not ours' },
  { debianPackage: 'python3-dkim', program: 'dkimverify', for: 'a second DKIM verifier' },
  { debianPackage: 'rspamd', program: 'rspamd', for: 'a third DKIM verifier' },
  { debianPackage: 'unbound', program: 'unbound', for: 'a resolver that validates DNSSEC' },
  { debianPackage: 'ldnsutils', program: 'ldns-signzone', for: 'a signed zone' },
  { debianPackage: 'faketime', program: 'faketime', for: 'a clock that jumps' },
]

/** Installs the missing peers where that is allowed, else says how to get them. Tests that need one say so themselves. */
export const installPeers = () => {
  const packages = missingPeers().map((peer) => peer.debianPackage)
  const maySetUp = process.getuid?.() === 0 && programExists('apt-get')
  if (packages.length > 0 && maySetUp) installDebianPackages(packages)
  const problem = maySetUp ? unpackPeers() : 'only root on Debian can run them'
  if (problem !== null) console.error(`Exim and OpenSMTPD are not unpacked (receivers that are not ours): ${problem}`)
  for (const peer of missingPeers()) {
    console.error(
      `${peer.perlModule ?? peer.program} is missing (${peer.for}). On Debian: apt-get install ${peer.debianPackage}`,
    )
  }
}

const missingPeers = () =>
  peers.filter((peer) => !programExists(peer.program) || (peer.perlModule !== undefined && !perlHas(peer.perlModule)))

const perlHas = (module: string) => spawnSync('perl', [`-M${module}`, '-e', '1']).status === 0

const programExists = (name: string) =>
  [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'].some((directory) => existsSync(join(directory, name)))

const installDebianPackages = (packages: readonly string[]) => {
  console.error(`installing ${packages.join(', ')} for the tests`)
  withServicesKeptDown(() => {
    aptGet('update')
    aptGet('install', '--yes', '--no-install-recommends', ...packages)
  })
}

const aptGet = (...args: readonly string[]) =>
  spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=120', '-qq', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    // Standard output is kept for the results.
    stdio: ['ignore', 2, 2],
  })

/** Debian starts a service when it is installed, unless this file says no. */
const withServicesKeptDown = (work: () => void) => {
  const policy = '/usr/sbin/policy-rc.d'
  if (existsSync(policy)) return work()
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    work()
  } finally {
    rmSync(policy)
  }
}
