import type { Log } from '../../platform/log.ts'
import { senderNameOf } from '../../standards/message/feedback-id.ts'
import type { Domain } from '../../standards/names/domain.ts'
import type { Secret } from '../../standards/secret.ts'
import type { StoredEvent } from '../ledger/index.ts'
import { type AttributionOptions, attribute, messageIdKey } from './attribute.ts'
import { type Authenticity, conclude } from './conclude.ts'
import type { LaterReport } from './later-report.ts'
import { type Enclosed, openLetterboxKeeper } from './letterbox.ts'
import { FeedbackStore, feedbackShard } from './store.ts'

export type FeedbackRoomOptions = {
  readonly dataDir: string
  readonly hostname: Domain
  readonly operatorDomain: Domain
  readonly returnPathKey: Secret<Buffer>
  /** Events of a message in the ledger. */
  readonly find: (id: string) => Promise<readonly StoredEvent[]>
  /** Who sent it; null when it can not be found out in good time. */
  readonly authenticate: (about: Enclosed, message: Buffer) => Promise<Authenticity | null>
  readonly log: Log
}

/** The room at work, in control: it reads what came back, brings it to its message and tells the ledger. */
export interface FeedbackRoom {
  /** Takes up to some tens of pieces out of the letterbox. Answers how many. */
  takeUp(): Promise<number>
  /** Has the reports that senders are owed stored, each once. */
  passOn(store: (report: LaterReport) => Promise<void>): Promise<void>
  /** Remembers messages by their Message-ID; to be called with every event before the ledger takes it. */
  follow(events: readonly StoredEvent[]): void
  /** Where the events of this room wait for the ledger. */
  readonly events: {
    readonly shard: number
    after(sequence: number, limit: number): readonly StoredEvent[]
    find(id: string): readonly StoredEvent[]
    /** Drops what the ledger has. */
    dropThrough(sequence: number): void
  }
  /** Drops reports older than `moment`, and what is remembered of messages for longer than reports about them come. */
  dropOlderThan(moment: number, now: number): Promise<void>
  close(): void
}

const piecesAtOnce = 20
const reportsAtOnce = 20
const dayMs = 86_400_000
/** Reports come back for this long at most: as long as a token is good. */
const rememberedMs = 19 * dayMs

export function openFeedbackRoom(options: FeedbackRoomOptions): FeedbackRoom {
  const { dataDir, hostname, operatorDomain, returnPathKey, find, log } = options
  const letterbox = openLetterboxKeeper(dataDir)
  const store = new FeedbackStore(dataDir)
  const attribution: AttributionOptions = {
    returnPathKey,
    hostname,
    sender: senderNameOf(operatorDomain),
    find,
    sentAs: (messageId) => store.sentAs(messageId),
  }

  const prepare = async (name: string): Promise<void> => {
    const piece = await letterbox.read(name)
    if (piece === null) {
      log.error('a piece in the letterbox can not be read and is removed', { name })
      return letterbox.remove(name)
    }
    const { about, message } = piece
    const isMail = about.kind === 'mail'
    const [attributed, authenticity] = await Promise.all([
      attribute(about, isMail ? message : Buffer.alloc(0), attribution),
      isMail ? options.authenticate(about, message) : null,
    ])
    const wasTold = (told: Parameters<typeof store.wasTold>[0]): boolean => store.wasTold(told)
    store.keep({ about, message, ...conclude({ about, attribution: attributed, authenticity, wasTold }) })
    await letterbox.remove(name)
  }

  return {
    takeUp: async () => {
      const names = await letterbox.waiting(piecesAtOnce)
      await Promise.all(names.map(prepare))
      return names.length
    },
    passOn: async (ask) => {
      for (const owed of store.owed(reportsAtOnce)) {
        const { piece, about, address, report } = owed
        if (owed.state === 'asked' && (await wasStored(find, owed))) {
          store.setState(owed, 'done')
          continue
        }
        store.setState(owed, 'asked')
        await ask(report)
        store.setState(owed, 'done')
        log.info('a report that came back was passed on', { piece, about, address })
      }
    },
    follow: (events) => store.remember(events.flatMap(sentBy)),
    events: {
      shard: feedbackShard,
      after: (sequence, limit) => store.eventsAfter(sequence, limit),
      find: (id) => store.eventsOf(id),
      dropThrough: (sequence) => store.dropEventsThrough(sequence),
    },
    dropOlderThan: async (moment, now) => {
      store.dropOlderThan({ reports: moment, sent: now - rememberedMs })
      await letterbox.sweep(now - dayMs)
    },
    close: () => store.close(),
  }
}

/** The relay writes a report and its event in one transaction: where the event is, the report is. */
async function wasStored(
  find: FeedbackRoomOptions['find'],
  { about, piece, address }: { readonly about: string; readonly piece: string; readonly address: string },
): Promise<boolean> {
  const events = await find(about)
  return events.some(({ kind, detail }) => {
    const recipients: unknown = detail['recipients']
    if (kind !== 'dsn' || detail['piece'] !== piece || !Array.isArray(recipients)) return false
    return recipients.some((one) => typeof one === 'string' && one.toLowerCase() === address)
  })
}

/** Mail that was taken and has a Message-ID. */
function sentBy({
  kind,
  id,
  at,
  source,
  detail,
}: StoredEvent): readonly { messageId: Buffer; id: string; at: number }[] {
  if (kind !== 'decision' || source === 'self' || (detail['verdict'] !== 'relay' && detail['verdict'] !== 'hold'))
    return []
  const evidence = detail['evidence'] as { readonly message?: { readonly messageId?: unknown } | null } | undefined
  const messageId = evidence?.message?.messageId
  return typeof messageId === 'string' ? [{ messageId: messageIdKey(messageId), id, at }] : []
}
