import { existsSync, readFileSync, watchFile } from 'node:fs'
import { startDnsServer } from './world/dns-server.ts'
import { type Arrival, startReceiver } from './world/receiver.ts'
import type { Zone } from './world/zone.ts'

const dnsPort = 5353
const smtpPort = 2526
const lookEveryMs = 200
const longMs = 3_600_000

/** What `anechoic keys list --json` prints, as far as it is published. */
type Key = { readonly domain: string; readonly record: { readonly name: string; readonly value: string } }

/**
 * `lab/outside.ts FILE`: the world outside, for a first walk on one machine. A name server that publishes the keys which
 * `anechoic keys list --json` wrote to FILE, and a receiver that checks and prints what arrives. Runs until it is stopped.
 */
async function main(file: string | undefined): Promise<void> {
  if (file === undefined) return misused()
  const zone: Zone = {}
  publish(zone, file)
  watchFile(file, { interval: lookEveryMs }, () => publish(zone, file))
  const dns = await startDnsServer(zone, dnsPort)
  say(`name server at ${dns.address}: publishes the keys in ${file}`)
  const receiver = await startReceiver({ zone, name: 'mx.outside.example', port: smtpPort })
  say(`receiver at 127.0.0.1:${receiver.port}: prints what arrives`)
  for (let shown = 0; ;) {
    const arrivals = await receiver.waitFor(shown + 1, longMs)
    for (const arrival of arrivals.slice(shown)) print(arrival)
    shown = arrivals.length
  }
}

/** Every domain with a key has the strictest DMARC policy, as a brand would: what is not signed by it is worth nothing. */
function publish(zone: Zone, file: string): void {
  for (const name of Object.keys(zone)) delete zone[name]
  for (const { domain, record } of keysIn(file)) {
    zone[record.name] = { TXT: [record.value] }
    zone[`_dmarc.${domain}`] = { TXT: ['v=DMARC1; p=reject'] }
  }
}

/** None while the file is not there or not whole: the shell makes it before the command that fills it has run. */
function keysIn(file: string): readonly Key[] {
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as readonly Key[]) : []
  } catch (error) {
    if (error instanceof SyntaxError) return []
    throw error
  }
}

function print({ mailFrom, recipients, dkim, dmarc, text }: Arrival): void {
  const signatures = dkim.map((one) => `dkim=${one.result} (${one.algorithm}, d=${one.domain}, s=${one.selector})`)
  say(`\n--- from <${mailFrom}> to <${recipients.join('>, <')}>`)
  say(`--- ${[...signatures, `dmarc=${dmarc}`].join(', ')}`)
  say(text.replaceAll('\r\n', '\n').trimEnd())
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function misused(): void {
  process.stderr.write('usage: node scripts/boot/run.js lab/outside.ts FILE\n')
  process.exitCode = 2
}

await main(process.argv[2])
