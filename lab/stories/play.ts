import { readdirSync } from 'node:fs'
import type { Arrival } from '../world/receiver.ts'
import type { World } from '../world/world.ts'
import type { Expectation, Played, Stage, Story } from './story.ts'

export type Result = {
  readonly name: string
  readonly title: string
  readonly sent: string
  readonly said: string
  readonly saw: string
  readonly wrong: readonly string[]
}

/** The stories, by folder name, in order. */
export async function loadStories(): Promise<readonly { readonly name: string; readonly story: Story }[]> {
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
export async function playStory(world: World, name: string, story: Story): Promise<Result> {
  const recipient = `${name}@receiver.example`
  const played = await story.play(world, stageFor(name, recipient))
  const wanted = 'signedFor' in story.expect ? (story.expect.arrivals ?? 1) : 0
  const arrivals = played.arrivals ?? (await world.arrivalsFor(recipient, wanted, wanted === 0 ? 150 : 5000))
  return {
    name,
    title: story.title,
    sent: played.sent,
    said: `${played.said.code} ${played.said.text.split('\n').at(-1) ?? ''}`,
    saw: arrivals.length === 0 ? 'nothing' : arrivals.map(wordsFor).join('; '),
    wrong: [...(played.wrong ?? []), ...faultsOf(story.expect, played, arrivals)],
  }
}

function faultsOf(expected: Expectation, played: Played, arrivals: readonly Arrival[]): readonly string[] {
  if ('told' in expected) return []
  const { said } = played
  if ('refused' in expected) {
    const wrong: string[] = []
    const code = expected.code ?? 550
    if (said.code !== code) wrong.push(`the reply code is ${said.code}, not ${code}`)
    if (!said.text.includes(`[${expected.refused}]`)) wrong.push(`the rule is not ${expected.refused}: ${said.text}`)
    if (arrivals.length > 0) wrong.push('the receiver saw a message')
    return wrong
  }
  const wrong: string[] = []
  if (said.code !== 250) wrong.push(`the reply code is ${said.code}, not 250: ${said.text}`)
  const count = expected.arrivals ?? 1
  if (arrivals.length !== count) wrong.push(`${arrivals.length} arrived, not ${count}`)
  for (const arrival of arrivals) {
    const signed = arrival.dkim.some((one) => one.domain === expected.signedFor && one.result === 'pass')
    if (!signed) wrong.push(`no valid signature of ${expected.signedFor}`)
    if (arrival.dkim.some((one) => one.result !== 'pass')) wrong.push('a signature does not verify')
    if (arrival.dmarc !== 'pass') wrong.push(`DMARC says ${arrival.dmarc}`)
    if (!arrival.cleanLines) wrong.push('a bare CR or LF went out')
    if (/^x-(?:ms-exchange|originatororg|forefront)/im.test(headerOf(arrival.text)))
      wrong.push('a trust header went out')
  }
  return wrong
}

function wordsFor(arrival: Arrival): string {
  const signatures = arrival.dkim.map((one) => `${one.algorithm} d=${one.domain} ${one.result}`).join(', ')
  return `${signatures === '' ? 'no signature' : signatures}, SPF ${arrival.spf}, DMARC ${arrival.dmarc}`
}

export function headerOf(text: string): string {
  const end = text.indexOf('\r\n\r\n')
  return end === -1 ? text : text.slice(0, end + 2)
}

function stageFor(name: string, recipient: string): Stage {
  return {
    recipient,
    header: ({ from, more = '' }) =>
      [
        `From: ${from}`,
        `To: <${recipient}>`,
        `Subject: ${name}`,
        `Date: ${new Date().toUTCString().replace('GMT', '+0000')}`,
        `Message-ID: <${name}.${Date.now()}@lab.example>`,
        'MIME-Version: 1.0',
        'Content-Type: text/plain; charset=utf-8',
        '',
      ].join('\r\n') + more,
  }
}
