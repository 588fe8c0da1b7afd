import { hash } from 'node:crypto'
import { type WindowCharge, windowLength } from './counters.ts'

const windowsPerDay = 288

/** Copies with at most so many recipients are light: not saved, and forgotten first. */
const lightRecipients = 20
const maxLight = 50_000
const maxHeavy = 5_000

const keyPrefix = 'copies/'
/** A recipient is remembered by so many octets of a hash: two of a thousand are taken for one with a chance of one in five hundred million. */
const octetsPerRecipient = 6

/** How far one message has come: `reached` distinct recipients within the last day, and how many of an envelope are not among them. */
export type CopyCounts = { readonly reached: number; readonly fresh: number }

/** The distinct recipients of an envelope as this room remembers them. */
export type EnvelopeNumbers = readonly number[]

/** A short name of a message, made of whatever tells it from all others. */
export function copyName(message: string): string {
  return hash('sha256', message, 'base64url').slice(0, 22)
}

/** Recipients as text, compared without regard to case. */
export function envelopeNumbers(recipients: readonly string[]): EnvelopeNumbers {
  const numbers = recipients.map((recipient) =>
    hash('sha256', recipient.toLowerCase(), 'buffer').readUIntBE(0, octetsPerRecipient),
  )
  return numbers.length === 1 ? numbers : [...new Set(numbers)]
}

/** What takes the recipients of one envelope back. */
export type CopyCharge = {
  readonly message: string
  readonly added: readonly number[]
  /** What was to be saved for it, or null where nothing was. */
  readonly row: WindowCharge | null
}

/** The recipients of one message, each with the window in which it was last reached. */
type Copy = { readonly recipients: number[]; readonly windows: number[] }

/**
 * Distinct recipients that one message has reached within a day, however often it is handed in: a message that is signed once can be
 * resubmitted by whoever got it, and must not become a million. An envelope that comes again adds nothing. Windows are those of the
 * rolling counters, counted whole, so that no real day sees more than a limit allows.
 *
 * Memory is bounded: of messages with few recipients at least the last 25,000 in use are known, of those with more the last 2,500. Only
 * the latter are saved; a restart may therefore forget up to twenty recipients of a message. Everything is synchronous.
 */
export class CopyCounter {
  readonly #light = new RecentMap(maxLight)
  readonly #heavy = new RecentMap(maxHeavy)
  #unsaved: WindowCharge[] = []

  /** Whether a saved charge is one of these; all others belong to the rolling counters. */
  static owns(charge: WindowCharge): boolean {
    return charge.key.startsWith(keyPrefix)
  }

  /** Takes over what was saved before a restart. */
  load(saved: Iterable<WindowCharge>): void {
    for (const charge of saved) {
      if (!CopyCounter.owns(charge) || charge.messages <= 0) continue
      const [message = '', packed = ''] = charge.key.slice(keyPrefix.length).split('/')
      this.#reach(message, unpack(packed), windowNumber(charge.window))
    }
  }

  /** `message` is a `copyName`; the envelope is what `envelopeNumbers` made of its recipients. */
  counts(message: string, envelope: EnvelopeNumbers, now: number): CopyCounts {
    const copy = this.#find(message)
    if (copy === undefined) return { reached: 0, fresh: envelope.length }
    const oldest = windowNumber(now) - windowsPerDay
    const isCounted = (at: number): boolean => at !== -1 && (copy.windows[at] ?? 0) >= oldest
    const reached = copy.windows.filter((window) => window >= oldest).length
    const fresh = envelope.filter((number) => !isCounted(copy.recipients.indexOf(number))).length
    return { reached, fresh }
  }

  /** Counts one envelope. What it returns takes it back through `refund()`. */
  charge(message: string, envelope: EnvelopeNumbers, now: number): CopyCharge {
    const window = windowNumber(now)
    this.#light.startDay(window)
    this.#heavy.startDay(window)
    const wasHeavy = this.#heavy.has(message)
    const { copy, added } = this.#reach(message, envelope, window)
    const row = isHeavy(copy) ? rowOf(message, wasHeavy ? envelope : copy.recipients, window) : null
    if (row !== null) this.#unsaved.push(row)
    return { message, added, row }
  }

  /** For a message that was not accepted after all. */
  refund({ message, added, row }: CopyCharge): void {
    const copy = this.#find(message)
    for (const number of added) {
      const at = copy?.recipients.indexOf(number) ?? -1
      if (at === -1) continue
      copy?.recipients.splice(at, 1)
      copy?.windows.splice(at, 1)
    }
    if (row === null) return
    const waiting = this.#unsaved.indexOf(row)
    if (waiting === -1) this.#unsaved.push({ ...row, messages: -row.messages, recipients: -row.recipients })
    else this.#unsaved.splice(waiting, 1)
  }

  /** What is to be saved since the last call. */
  drain(): readonly WindowCharge[] {
    if (this.#unsaved.length === 0) return this.#unsaved
    const changed = this.#unsaved
    this.#unsaved = []
    return changed
  }

  /** The key of a limit on one message, by its name. */
  static keyOf(message: string): string {
    return `${keyPrefix}${message}`
  }

  /** Distinct recipients that the message behind the key of a limit has reached within the last day. */
  reached(key: string, now: number): number {
    return this.counts(key.slice(keyPrefix.length), [], now).reached
  }

  /** The keys of the limits on all messages in memory. */
  *keys(): Iterable<string> {
    for (const message of [...this.#light.keys(), ...this.#heavy.keys()]) yield CopyCounter.keyOf(message)
  }

  /** How many messages are in memory. */
  get size(): number {
    return this.#light.size + this.#heavy.size
  }

  #find(message: string): Copy | undefined {
    return this.#light.get(message) ?? this.#heavy.get(message)
  }

  /** Puts the recipients into the window, those that were reached before too, and the message among those in use. */
  #reach(
    message: string,
    envelope: EnvelopeNumbers,
    window: number,
  ): { readonly copy: Copy; readonly added: readonly number[] } {
    const known = this.#find(message)
    const copy = known ?? { recipients: envelope.slice(), windows: envelope.map(() => window) }
    const added = known === undefined ? envelope : reachAgain(known, envelope, window)
    if (isHeavy(copy)) {
      this.#light.delete(message)
      this.#heavy.set(message, copy)
    } else {
      this.#heavy.delete(message)
      this.#light.set(message, copy)
    }
    return { copy, added }
  }
}

function reachAgain(copy: Copy, envelope: EnvelopeNumbers, window: number): readonly number[] {
  const added: number[] = []
  forgetBefore(copy, window - windowsPerDay)
  for (const number of envelope) {
    const at = copy.recipients.indexOf(number)
    if (at === -1) {
      copy.recipients.push(number)
      copy.windows.push(window)
      added.push(number)
    } else copy.windows[at] = Math.max(window, copy.windows[at] ?? window)
  }
  return added
}

function isHeavy({ recipients }: Copy): boolean {
  return recipients.length > lightRecipients
}

/** A map that forgets what was not used of late: two halves, of which the older is dropped when the younger is full or a day is over. */
class RecentMap {
  readonly #most: number
  #young = new Map<string, Copy>()
  #old = new Map<string, Copy>()
  #since = 0

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  keys(): readonly string[] {
    return [...this.#young.keys(), ...this.#old.keys()]
  }

  has(message: string): boolean {
    return this.get(message) !== undefined
  }

  get(message: string): Copy | undefined {
    return this.#young.get(message) ?? this.#old.get(message)
  }

  set(message: string, copy: Copy): void {
    this.#old.delete(message)
    if (this.#young.size >= this.#most / 2 && !this.#young.has(message)) this.#turn()
    this.#young.set(message, copy)
  }

  delete(message: string): void {
    this.#young.delete(message)
    this.#old.delete(message)
  }

  startDay(window: number): void {
    if (window - this.#since <= windowsPerDay) return
    this.#since = window
    this.#turn()
  }

  #turn(): void {
    this.#old = this.#young
    this.#young = new Map()
  }
}

function forgetBefore(copy: Copy, oldest: number): void {
  for (let at = copy.windows.length - 1; at >= 0; at--) {
    if ((copy.windows[at] ?? 0) >= oldest) continue
    copy.recipients.splice(at, 1)
    copy.windows.splice(at, 1)
  }
}

function rowOf(message: string, recipients: readonly number[], window: number): WindowCharge {
  const key = `${keyPrefix}${message}/${pack(recipients)}`
  return { key, window: window * windowLength, messages: 1, recipients: recipients.length }
}

function pack(numbers: readonly number[]): string {
  const octets = Buffer.alloc(numbers.length * octetsPerRecipient)
  for (const [at, number] of numbers.entries()) octets.writeUIntBE(number, at * octetsPerRecipient, octetsPerRecipient)
  return octets.toString('base64url')
}

function unpack(packed: string): readonly number[] {
  const octets = Buffer.from(packed, 'base64url')
  return Array.from({ length: Math.floor(octets.length / octetsPerRecipient) }, (_, at) =>
    octets.readUIntBE(at * octetsPerRecipient, octetsPerRecipient),
  )
}

function windowNumber(at: number): number {
  return Math.floor(at / windowLength)
}
