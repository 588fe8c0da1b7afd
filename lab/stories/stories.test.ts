import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type World, createWorld } from '../world/world.ts'
import { loadStories, playStory } from './play.ts'
import { signedSpoofs } from './spoofs.ts'
import { byWorld } from './worlds.ts'

for (const [options, stories] of byWorld(await loadStories())) {
  describe(options.name, () => {
    let world: World
    beforeAll(async () => {
      world = await createWorld(options)
    }, 60_000)
    afterAll(() => world.close())

    for (const named of stories) {
      test(`${named.name}: ${named.story.title}`, async () => {
        const result = await playStory(world, named)
        expect(result.wrong, `${result.sent} | relay: ${result.said} | receiver: ${result.saw}`).toEqual([])
      })
    }

    test('no spoof was signed, and nothing came late', async () => {
      const came = world.receiver.arrivals.length
      expect(await world.receiver.waitFor(came + 1, 500)).toHaveLength(came)
      expect(signedSpoofs(world.receiver.arrivals, stories)).toEqual([])
    })
  })
}
