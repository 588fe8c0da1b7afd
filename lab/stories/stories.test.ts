import { afterAll, beforeAll, expect, test } from 'vitest'
import { type World, createWorld } from '../world/world.ts'
import { loadStories, playStory } from './play.ts'

let world: World
beforeAll(async () => {
  world = await createWorld()
}, 60_000)
afterAll(() => world.close())

for (const { name, story } of await loadStories()) {
  test(`${name}: ${story.title}`, async () => {
    const result = await playStory(world, name, story)
    expect(result.wrong, `${result.sent} | relay: ${result.said} | receiver: ${result.saw}`).toEqual([])
  })
}
