import { afterAll, beforeAll, expect, test } from 'vitest'
import { throughExchangeOnline } from '../stories/senders.ts'
import { stageFor } from '../stories/stage.ts'
import { bounceDomain, eventsOf, feedbackWorld, idIn } from '../stories/feedback.ts'
import { freePort } from '../world/free-port.ts'
import { type World, createWorld } from '../world/world.ts'
import { type Postfix, postfixIsThere, startPostfix } from './postfix.ts'
import { type ScriptedReceiver, startScriptedReceiver } from './scripted-receiver.ts'

const isThere = postfixIsThere()
// On CI the peers are installed by the run itself; elsewhere their absence is said and passed over.
const peers = isThere || process.env['CI'] === 'true' ? test : test.skip
const forwarded = 'forwarded.example'

let postfix: Postfix
let world: World
let behind: ScriptedReceiver
beforeAll(async () => {
  if (!isThere) return
  behind = await startScriptedReceiver({
    answer: ({ verb }) => (verb === 'RCPT' ? '550 5.2.1 this account has been disabled' : null),
  })
  const port = await freePort()
  world = await createWorld({ ...feedbackWorld, deliverTo: { host: '127.0.0.1', port } })
  const relays = { [forwarded]: behind.port, [bounceDomain]: world.feedback?.port ?? 0 }
  postfix = await startPostfix({ port, domain: 'receiver.example', relays })
}, 120_000)
afterAll(async () => {
  if (!isThere) return
  await world.close()
  postfix.stop()
  await behind.close()
})

peers(
  'a bounce that Postfix sends when it has long taken the message finds it, and its sender',
  async () => {
    const stage = stageFor('late-bounce')
    const recipient = `bob@${forwarded}`
    const said = await throughExchangeOnline(world, stage, { recipients: [recipient] })
    expect(said).toMatchObject({ code: 250 })
    const [bounced] = await eventsOf(world, idIn(said), 'bounced-later', 30_000)
    expect(bounced).toContain(`${recipient} came back, about inactive, found by token`)
    expect(bounced).toContain('this account has been disabled')
    const [report] = await eventsOf(world, idIn(said), 'dsn')
    expect(report).toContain(`(failed) to the sender about ${recipient}`)
  },
  60_000,
)
