import { idIn, sendStuck, until } from '../queue-by-hand.ts'
import type { Story } from '../story.ts'
import { strictWorld } from '../worlds.ts'

const domain = 'd153.example'

/** What the story must tell, in this order. */
const chapters = [
  /127\.0\.0\.\d+ on the listener upstream/,
  /The connection was encrypted: TLS/,
  /Said on the wire: 250/,
  /stored {2}\d+ octets for 2 recipients taken into custody/,
  /signed {2}judged again by version \d+ of the policy, and signed for acme\.example/,
  /deferred {2}.*451 4\.7\.1 come back later/,
  /C: RCPT TO:<153-a-whole-life\.one@d153\.example>/,
  /S: 451 4\.7\.1 come back later/,
  /held {2}held by .* then released, for bea to look at: a look/,
  /released {2}released by /,
  /failed {2}.*status 5\.1\.1: 550 5\.1\.1 there is no such mailbox/,
  /dsn {2}report [0-9a-z]{16} \(failed\) to the sender/,
  /the report [0-9a-z]{16}: \S+ delivered /,
]

export const story: Story = {
  title: 'Why tells the whole life of a message',
  shows: 'why: from the connection to what became of the last report',
  world: strictWorld,
  play: async (world, stage) => {
    const { product } = world
    const wrong: string[] = []
    world.receiver.deferEverything(true)
    const [said = { code: 0, text: '' }] = await sendStuck(
      world,
      stage,
      domain,
      ['one'],
      stage.address('refused', domain),
    )
    const id = idIn(said)
    await product.json('queue', 'hold', id, '--because', 'a look', '--owner', 'bea', '--then', 'release')
    world.receiver.deferEverything(false)
    await product.json('queue', 'release', id)
    const isOver = async (): Promise<boolean> => {
      const told = await product.operations.why(id, { replay: false })
      return told?.events.some(({ lines = [] }) => lines.some((line) => /: \S+ delivered /.test(line))) ?? false
    }
    if (!(await until(isOver))) wrong.push('the report never arrived')
    const { out } = await product.cli('why', id)
    let from = 0
    for (const chapter of chapters) {
      const at = out.slice(from).search(chapter)
      if (at === -1) wrong.push(`not told, or not in its place: ${chapter.source}`)
      else from += at
    }
    if (wrong.length > 0) wrong.push(out)
    const report = /report ([0-9a-z]{16}) \(failed\)/.exec(out)?.[1] ?? 'none'
    const about = await product.cli('why', report)
    if (!about.out.includes(`a report of ours about ${id}`)) wrong.push('the report does not name its message')
    const messageId = /^Message-ID: *(<.*>)/im.exec(world.receiver.arrivals.at(-1)?.text ?? '')?.[1] ?? ''
    const named = await product.operations.idsOfMessageId(messageId)
    if (named.length === 0) wrong.push(`nothing is found by ${messageId}`)
    return {
      sent: 'a message for two, deferred, held, released, delivered to one and refused for the other',
      said,
      wrong,
    }
  },
  expect: { told: 'the message to one, a report about the other', arrivals: 2, signed: 1 },
}
