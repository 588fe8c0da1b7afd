import { readdirSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import type { Config } from '../config/index.ts'
import type { Diagnosis } from '../doors/cli/doctor.ts'
import { checkReverseNames, egressPools } from '../path/delivery/index.ts'
import { systemClock } from '../platform/clock.ts'
import { cachedDns } from '../platform/dns-system.ts'
import { type Dns, type Resolver, isDnsTrouble } from '../platform/dns.ts'
import { believesResolver } from './relay/outbound-tls.ts'

/** Below this much free space custody takes no mail, and below four times as much it is time to make room, in octets. */
const reserve = 268_435_456
/** A file of ours that is so much younger than the clock tells of a clock that was set back, in milliseconds. */
const clockSlack = 60_000

/** Looks at what an installation stands on, without changing anything. The configuration itself has been read. */
export async function diagnose(config: Config, problems: readonly string[]): Promise<readonly Diagnosis[]> {
  const dns = cachedDns(config.dns.servers, config.dns.timeoutMs, systemClock)
  const [names, resolver, disk] = await Promise.all([addressesOf(config, dns), dnsOf(config, dns), diskOf(config)])
  return [...configurationOf(config, problems), ...resolver, ...names, clockOf(config), disk, keyOf(config)]
}

function configurationOf(config: Config, problems: readonly string[]): readonly Diagnosis[] {
  if (problems.length > 0) return problems.map((words) => ({ check: 'configuration', state: 'wrong', words }))
  return [{ check: 'configuration', state: 'fine', words: config.file ?? 'no file: the defaults hold' }]
}

async function dnsOf(config: Config, dns: Dns & Resolver): Promise<readonly Diagnosis[]> {
  const { hostname } = config
  const [own, root] = await Promise.all([dns.addresses(hostname), dns.ask('NS', 'org')])
  const answer: Diagnosis = isDnsTrouble(own)
    ? { check: 'dns', state: 'wrong', words: `${hostname} cannot be looked up: ${own.trouble}` }
    : own.length === 0
      ? { check: 'dns', state: 'doubtful', words: `${hostname}, which we say in EHLO, has no address` }
      : { check: 'dns', state: 'fine', words: `${hostname} is ${own.join(', ')}` }
  const validates = !isDnsTrouble(root) && root.authentic
  const isBelieved = believesResolver(config)
  return [
    answer,
    {
      check: 'dnssec',
      state: validates && isBelieved ? 'fine' : 'doubtful',
      words: !validates
        ? 'the resolver does not say that it validates: no DANE'
        : isBelieved
          ? 'the resolver validates (AD)'
          : 'the resolver validates (AD), but delivery.dane does not believe it from where it is: no DANE',
    },
  ]
}

async function addressesOf({ delivery, hostname }: Config, dns: Dns): Promise<readonly Diagnosis[]> {
  const pools = egressPools(delivery.pools, delivery.sourceAddresses)
  const found = await checkReverseNames(pools.values(), hostname, dns)
  return found.map(({ pool, address, names, wrong }) => ({
    check: 'address',
    state: wrong === null ? 'fine' : 'wrong',
    words: `${address} of the pool ${pool}: ${wrong ?? (names.join(', ') || 'loopback')}`,
  }))
}

/** Files of ours that were written in the future: the clock was set back since. */
function clockOf({ dataDir }: Config): Diagnosis {
  const now = systemClock.now()
  const newest = Math.max(0, ...filesIn(dataDir).map((file) => statSync(file).mtimeMs))
  return newest > now + clockSlack
    ? {
        check: 'clock',
        state: 'wrong',
        words: `it stands before ${new Date(newest).toISOString()}, when data was written`,
      }
    : { check: 'clock', state: 'fine', words: new Date(now).toISOString() }
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => `${directory}/${entry.name}`)
  } catch {
    return []
  }
}

async function diskOf({ dataDir }: Config): Promise<Diagnosis> {
  const found = await statfs(dataDir).catch(() => null)
  if (found === null) return { check: 'disk', state: 'doubtful', words: `${dataDir} is not there yet` }
  const free = found.bavail * found.bsize
  const words = `${Math.floor(free / 1_048_576)} MB free under ${dataDir}`
  if (free < reserve) return { check: 'disk', state: 'wrong', words: `${words}: no mail is taken` }
  return { check: 'disk', state: free < 4 * reserve ? 'doubtful' : 'fine', words }
}

function keyOf({ keys: { wrapping } }: Config): Diagnosis {
  if (!wrapping.startsWith('file:'))
    return { check: 'keys', state: 'fine', words: 'the wrapping key is given by the environment or a command' }
  const file = wrapping.slice('file:'.length)
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) return { check: 'keys', state: 'doubtful', words: `${file} is made at the first start` }
  const open = (found.mode & 0o077) !== 0
  return open
    ? { check: 'keys', state: 'wrong', words: `${file} can be read by others than its owner: chmod 600` }
    : { check: 'keys', state: 'fine', words: `${file} is its owner's alone` }
}
