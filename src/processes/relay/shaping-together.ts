import type { ShapingFace, ShapingNotice } from '../../path/delivery/index.ts'
import type { Log } from '../../platform/log.ts'
import type { SupervisorChannel } from '../child.ts'
import { relayNames } from '../messages.ts'

const noticeVerb = 'shaping-notice'

/**
 * What one relay learns of a receiver holds for all: each tells the others what it begins, changes and ends, and one that starts asks them
 * for what is in force. A relay that is away meanwhile asks when it is back.
 */
export function shapeTogether(channel: SupervisorChannel, shaping: ShapingFace, log: Log): void {
  const others = relayNames(channel.config.workers).filter((name) => name !== channel.name)
  if (others.length === 0) return
  channel.answerOne(noticeVerb, (notice) => Promise.resolve(shaping.apply(notice as ShapingNotice)))
  shaping.onNotice((notice) => {
    for (const other of others) {
      channel
        .ask(other, noticeVerb, notice)
        .catch((error: unknown) => log.debug('another relay was not told of a receiver', { other, error }))
    }
  })
  for (const other of others) {
    channel
      .ask(other, 'shaping-list', {})
      .then((notices) => {
        for (const notice of notices as readonly ShapingNotice[]) shaping.apply(notice)
      })
      .catch((error: unknown) => log.debug('another relay could not be asked about receivers', { other, error }))
  }
}
