/** What happens, as it happens. */
export interface EventFeed {
  /**
   * Sends what comes after an id that this feed gave before, then what happens from now on. An id that is too old, or of another run, is
   * answered by a `reset`: who listens reads anew what it shows. Returns what ends it; null when too many listen already.
   */
  listen(
    wish: { readonly after: string | null; readonly customer: string | null },
    send: (event: FedEvent) => void,
  ): (() => void) | null
}

/** `message`: a step in the life of a message. `counts`: how many are in the queue. `id` is null where coming back to it makes no sense. */
export type FedEvent = {
  readonly id: string | null
  readonly event: 'message' | 'counts' | 'reset'
  readonly data: unknown
}
