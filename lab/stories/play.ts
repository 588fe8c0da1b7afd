import { readdirSync } from 'node:fs'
import type { Arrival } from '../world/receiver.ts'
import type { SmtpReply } from '../world/smtp-client.ts'
import type { World } from '../world/world.ts'
import { belongsTo, stageFor } from './stage.ts'
import type { Expectation, Played, Story } from './story.ts'
import type { Named } from './worlds.ts'

export type Result = {
  readonly name: string
  readonly title: string
  readonly sent: string
  readonly said: string
  readonly saw: string
  readonly wrong: readonly string[]
}

/** The stories, by folder name, in order. */
export async function loadStories(): Promise<readonly Named[]> {
  const here = new URL('.', import.meta.url)
  const names = readdirSync(here, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const loaded = []
  for (const { name } of names.toSorted((a, b) => a.name.localeCompare(b.name))) {
    const module = (await import(new URL(`${name}/story.ts`, here).href)) as { readonly story: Story }
    loaded.push({ name, story: module.story })
  }
  return loaded
}

/** Plays one story and holds it against what it expects. `wrong` is empty when all is as it must be. */
export async function playStory(world: World, { name, story }: Named): Promise<Result> {
  const stage = stageFor(name)
  const played = await story.play(world, stage)
  const arrivals = await arrivalsOf(world, name, awaited(story.expect))
  return {
    name,
    title: story.title,
    sent: played.sent,
    said: `${played.said.code} ${played.said.text.split('\n').at(-1) ?? ''}`,
    saw: arrivals.length === 0 ? 'nothing' : arrivals.map(wordsFor).join('; '),
    wrong: [
      ...(played.wrong ?? []),
      ...faultsOf(story.expect, played, arrivals),
      ...(story.arrived === undefined ? [] : story.arrived(arrivals, stage)),
      ...(await faultsOfDecision(world, played.said)),
    ],
  }
}

/** How many messages a story lets arrive. */
export function awaited(expected: Expectation): number {
  if ('refused' in expected) return 0
  return 'told' in expected ? expected.arrivals : (expected.arrivals ?? 1)
}

/** What has come for a story, once `count` have or five seconds are over. That nothing comes late is looked at when all have played. */
async function arrivalsOf(world: World, name: string, count: number): Promise<readonly Arrival[]> {
  const mine = (): readonly Arrival[] => world.receiver.arrivals.filter((arrival) => belongsTo(name, arrival))
  const deadline = Date.now() + 5000
  while (mine().length < count && Date.now() < deadline)
    await world.receiver.waitFor(world.receiver.arrivals.length + 1, deadline - Date.now())
  return mine()
}

function faultsOf(expected: Expectation, played: Played, arrivals: readonly Arrival[]): readonly string[] {
  const { said } = played
  const wrong: string[] = []
  const count = awaited(expected)
  if (arrivals.length !== count) wrong.push(`${arrivals.length} arrived, not ${count}`)
  if ('refused' in expected) {
    const code = expected.code ?? 550
    if (said.code !== code) wrong.push(`the reply code is ${said.code}, not ${code}`)
    if (!said.text.includes(`[${expected.refused}]`)) wrong.push(`the rule is not ${expected.refused}: ${said.text}`)
  }
  if ('signedFor' in expected) {
    if (said.code !== 250) wrong.push(`the reply code is ${said.code}, not 250: ${said.text}`)
    wrong.push(...arrivals.flatMap((arrival) => faultsOfSigned(arrival, expected.signedFor)))
  }
  return [...wrong, ...arrivals.flatMap(faultsOfAny)]
}

/** What a judged reply names must be explained by the ledger, and judged again to the same end. */
async function faultsOfDecision(world: World, { text }: SmtpReply): Promise<readonly string[]> {
  const [, rule, id] = /\[([a-z-]+)\].*\(([0-9a-z]+)\)$/.exec(text) ?? []
  if (rule === undefined || id === undefined) return []
  const told = await world.product.operations.why(id, { replay: true })
  if (told === null) return [`nothing is known of decision ${id}`]
  const wrong: string[] = []
  if (told.rule !== rule) wrong.push(`the ledger says ${told.rule}, the reply ${rule}`)
  if (told.replay?.same !== true) wrong.push(`judged again it is ${told.replay?.rule ?? 'not judged'}`)
  if (told.words.length === 0) wrong.push('the decision is not told in words')
  return wrong
}

function faultsOfSigned(arrival: Arrival, domain: string): readonly string[] {
  const wrong: string[] = []
  const signed = arrival.dkim.some((one) => one.domain === domain && one.result === 'pass')
  if (!signed) wrong.push(`no valid signature of ${domain}`)
  if (arrival.dkim.some((one) => one.result !== 'pass')) wrong.push('a signature does not verify')
  if (arrival.dmarc !== 'pass') wrong.push(`DMARC says ${arrival.dmarc}`)
  return wrong
}

function faultsOfAny(arrival: Arrival): readonly string[] {
  const wrong: string[] = []
  if (!arrival.cleanLines) wrong.push('a bare CR or LF went out')
  if (/^x-(?:ms-exchange|originatororg|forefront)/im.test(headerOf(arrival.text))) wrong.push('a trust header went out')
  return wrong
}

function wordsFor(arrival: Arrival): string {
  const signatures = arrival.dkim.map((one) => `${one.algorithm} d=${one.domain} ${one.result}`).join(', ')
  return `${signatures === '' ? 'no signature' : signatures}, SPF ${arrival.spf}, DMARC ${arrival.dmarc}`
}

/** The header section of a message, with the CRLF of its last field. */
export function headerOf(text: string): string {
  const end = text.indexOf('\r\n\r\n')
  return end === -1 ? text : text.slice(0, end + 2)
}

/** What follows the empty line. */
export function bodyOf(text: string): string {
  const end = text.indexOf('\r\n\r\n')
  return end === -1 ? '' : text.slice(end + 4)
}
