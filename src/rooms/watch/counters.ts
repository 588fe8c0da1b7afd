/** Length of a window, in milliseconds. */
export const windowLength = 300_000

const windowsPerHour = 12
const windowsPerDay = 288

/** Start of the oldest window that still counts at `now`, in milliseconds since the epoch: what a restart must load. */
export function countedSince(now: number): number {
  return (windowNumber(now) - windowsPerDay) * windowLength
}

/** What was counted for a key in one window, or what is to be added to it. As custody stores it. */
export type WindowCharge = {
  readonly key: string
  /** Start of the window, in milliseconds since the epoch. */
  readonly window: number
  readonly messages: number
  readonly recipients: number
}

export type RollingCounts = {
  readonly messagesLastHour: number
  readonly messagesLastDay: number
  readonly recipientsLastHour: number
  readonly recipientsLastDay: number
}

type Count = { messages: number; recipients: number }

const nothing: RollingCounts = { messagesLastHour: 0, messagesLastDay: 0, recipientsLastHour: 0, recipientsLastDay: 0 }

/**
 * Rolling counts per key, in windows of five minutes. A window counts in full as long as any moment of it lies within the last hour or
 * day, and windows ahead of the clock count too, so that no real hour or day ever sees more than a limit allows.
 * Everything is synchronous: reading, deciding and charging in one turn of the event loop leaves no gap for another message.
 */
export class RollingCounters {
  readonly #tallies = new Map<string, Tally>()
  readonly #unsaved = new Map<string, Map<number, Count>>()
  #sweptAt = 0

  /** Takes over what was saved before a restart; several rows of one window add up. They are not handed out by `drain()` again. */
  load(saved: Iterable<WindowCharge>): void {
    for (const { key, window, messages, recipients } of saved) {
      this.#tallyOf(key).add(windowNumber(window), messages, recipients)
    }
  }

  counts(key: string, now: number): RollingCounts {
    return this.#tallies.get(key)?.counts(windowNumber(now)) ?? nothing
  }

  /** Counts one message. What it returns takes it back through `refund()`. */
  charge(key: string, recipients: number, now: number): WindowCharge {
    const charge = { key, window: windowNumber(now) * windowLength, messages: 1, recipients }
    this.#sweep(windowNumber(now))
    this.#add(charge, 1)
    return charge
  }

  /** Takes a charge back, in the window in which it was made: for a message that was not accepted after all. */
  refund(charge: WindowCharge): void {
    this.#add(charge, -1)
  }

  /** What has changed since the last call, to be added to what is stored; negative after a refund of what was stored already. */
  drain(): readonly WindowCharge[] {
    const changed: WindowCharge[] = []
    for (const [key, windows] of this.#unsaved) {
      for (const [window, { messages, recipients }] of windows) {
        if (messages !== 0 || recipients !== 0)
          changed.push({ key, window: window * windowLength, messages, recipients })
      }
    }
    this.#unsaved.clear()
    return changed
  }

  /** The keys counted within the last day. */
  keys(): Iterable<string> {
    return this.#tallies.keys()
  }

  /** How many keys are in memory: those counted within the last day. */
  get size(): number {
    return this.#tallies.size
  }

  #add({ key, window, messages, recipients }: WindowCharge, sign: 1 | -1): void {
    const at = windowNumber(window)
    this.#tallyOf(key).add(at, sign * messages, sign * recipients)
    const windows = this.#unsaved.get(key) ?? new Map<number, Count>()
    this.#unsaved.set(key, windows)
    increase(windows, at, sign * messages, sign * recipients)
  }

  #tallyOf(key: string): Tally {
    const tally = this.#tallies.get(key) ?? new Tally()
    this.#tallies.set(key, tally)
    return tally
  }

  /** Once in each window, forgets what no window of the last day counts. */
  #sweep(current: number): void {
    if (current <= this.#sweptAt) return
    this.#sweptAt = current
    for (const [key, tally] of this.#tallies) {
      if (tally.forgetBefore(current - windowsPerDay)) this.#tallies.delete(key)
    }
  }
}

/** One key's windows, with sums that are kept up to date while the clock stays in a window. */
class Tally {
  readonly #windows = new Map<number, Count>()
  #current = -1
  readonly #hour: Count = { messages: 0, recipients: 0 }
  readonly #day: Count = { messages: 0, recipients: 0 }

  add(window: number, messages: number, recipients: number): void {
    increase(this.#windows, window, messages, recipients)
    this.#include(window, messages, recipients)
  }

  counts(current: number): RollingCounts {
    if (current !== this.#current) this.#sumAt(current)
    return {
      messagesLastHour: this.#hour.messages,
      messagesLastDay: this.#day.messages,
      recipientsLastHour: this.#hour.recipients,
      recipientsLastDay: this.#day.recipients,
    }
  }

  /** Whether nothing is left. */
  forgetBefore(oldest: number): boolean {
    for (const window of this.#windows.keys()) {
      if (window < oldest) this.#windows.delete(window)
    }
    return this.#windows.size === 0
  }

  #sumAt(current: number): void {
    this.#current = current
    for (const sum of [this.#hour, this.#day]) {
      sum.messages = 0
      sum.recipients = 0
    }
    for (const [window, { messages, recipients }] of this.#windows) this.#include(window, messages, recipients)
  }

  #include(window: number, messages: number, recipients: number): void {
    if (window >= this.#current - windowsPerHour) grow(this.#hour, messages, recipients)
    if (window >= this.#current - windowsPerDay) grow(this.#day, messages, recipients)
  }
}

function windowNumber(at: number): number {
  return Math.floor(at / windowLength)
}

function increase(windows: Map<number, Count>, window: number, messages: number, recipients: number): void {
  const count = windows.get(window) ?? { messages: 0, recipients: 0 }
  grow(count, messages, recipients)
  if (count.messages === 0 && count.recipients === 0) windows.delete(window)
  else windows.set(window, count)
}

function grow(count: Count, messages: number, recipients: number): void {
  count.messages += messages
  count.recipients += recipients
}
