import { styleText } from 'node:util'
import { type Result, loadStories, playStory } from './stories/play.ts'
import { signedSpoofs } from './stories/spoofs.ts'
import { type Named, type StoryWorld, byWorld } from './stories/worlds.ts'
import { createWorld } from './world/world.ts'

/** `lab/run.ts list|run [--json] [NAME...]`: one line a story. Exits 1 when a story does not hold or a spoof was signed, 2 on wrong use. */
async function main(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args
  const json = rest.includes('--json')
  const wanted = rest.filter((word) => !word.startsWith('--'))
  const stories = (await loadStories()).filter(
    ({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
  )
  if (verb !== 'list' && verb !== 'run') return misused('usage: lab list|run [--json] [NAME...]')
  if (stories.length === 0) return misused(`no story is called ${wanted.join(' or ')}`)
  return verb === 'list' ? list(stories, json) : run(stories, json)
}

function list(stories: readonly Named[], json: boolean): number {
  if (json) printJson(stories.map(({ name, story }) => ({ name, title: story.title, shows: story.shows })))
  else for (const { name, story } of stories) process.stdout.write(`${name.padEnd(36)} ${story.title}\n`)
  return 0
}

async function run(stories: readonly Named[], json: boolean): Promise<number> {
  const results: Result[] = []
  let messages = 0
  let spoofs = 0
  for (const [options, group] of byWorld(stories)) {
    const seen = await playAll(options, group, (result) => {
      results.push(result)
      if (!json) process.stdout.write(lineFor(result))
    })
    messages += seen.messages
    spoofs += seen.spoofs
  }
  const failed = results.filter((result) => result.wrong.length > 0).length
  if (json) printJson({ stories: results, messagesAtReceivers: messages, spoofsSigned: spoofs })
  else {
    process.stdout.write(`${results.length - failed} of ${results.length} stories hold\n`)
    process.stdout.write(`${spoofs} spoofs signed, counted over the ${messages} messages that receivers saw\n`)
  }
  return failed === 0 && spoofs === 0 ? 0 : 1
}

/** Plays the stories of one world, one after the other, and counts what came to its receiver until some time after the last. */
async function playAll(
  options: StoryWorld,
  group: readonly Named[],
  tell: (result: Result) => void,
): Promise<{ readonly messages: number; readonly spoofs: number }> {
  const world = await createWorld(options)
  try {
    for (const named of group) tell(await playStory(world, named))
    const arrivals = await world.receiver.waitFor(world.receiver.arrivals.length + 1, 500)
    return { messages: arrivals.length, spoofs: signedSpoofs(arrivals, group).length }
  } finally {
    await world.close()
  }
}

function lineFor(result: Result): string {
  const mark = result.wrong.length === 0 ? styleText('green', 'holds') : styleText('red', 'FAILS')
  const told = `${mark}  ${result.name}: ${result.sent} | relay: ${result.said} | receiver: ${result.saw}\n`
  return result.wrong.length === 0 ? told : `${told}       ${result.wrong.join('; ')}\n`
}

function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
}

function misused(why: string): number {
  process.stderr.write(`${why}\n`)
  return 2
}

// A reader that leaves early (`lab run | head`) must not leave a world behind.
process.stdout.on('error', () => {})
process.exitCode = await main(process.argv.slice(2))
