import { styleText } from 'node:util'
import { type Result, loadStories, playStory } from './stories/play.ts'
import { createWorld } from './world/world.ts'

/** `lab/run.ts list|run [--json] [NAME...]`: one line a story. Exits 1 when a story does not hold. */
async function main(args: readonly string[]): Promise<number> {
  const [verb, ...rest] = args
  const json = rest.includes('--json')
  const wanted = rest.filter((word) => !word.startsWith('--'))
  const stories = (await loadStories()).filter(
    ({ name }) => wanted.length === 0 || wanted.some((word) => name.includes(word)),
  )
  if (verb === 'list') {
    if (json)
      process.stdout.write(
        `${JSON.stringify(
          stories.map(({ name, story }) => ({ name, title: story.title, shows: story.shows })),
          null,
          2,
        )}\n`,
      )
    else for (const { name, story } of stories) process.stdout.write(`${name.padEnd(36)} ${story.title}\n`)
    return 0
  }
  const world = await createWorld()
  const results: Result[] = []
  try {
    for (const { name, story } of stories) {
      const result = await playStory(world, name, story)
      results.push(result)
      if (!json) process.stdout.write(lineFor(result))
    }
  } finally {
    await world.close()
  }
  const failed = results.filter((result) => result.wrong.length > 0).length
  if (json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)
  else process.stdout.write(`${results.length - failed} stories hold, ${failed} do not\n`)
  return failed === 0 ? 0 : 1
}

function lineFor(result: Result): string {
  const mark = result.wrong.length === 0 ? styleText('green', 'holds') : styleText('red', 'FAILS')
  const told = `${mark}  ${result.name}: ${result.sent} | relay: ${result.said} | receiver: ${result.saw}\n`
  return result.wrong.length === 0 ? told : `${told}       ${result.wrong.join('; ')}\n`
}

process.exitCode = await main(process.argv.slice(2))
