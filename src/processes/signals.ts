/** What people and service managers ask of a running instance by signals. */
export type Asked = {
  /** Resolves when it is to stop. */
  readonly stop: Promise<void>
  /** Who hears SIGHUP from now on. */
  onReload(reload: () => void): void
}

/** Listens from the first moment: a signal that comes before anything else stands must not end us as if by accident. */
export function listenForSignals(): Asked {
  const stop = Promise.withResolvers<void>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stop.resolve())
  // The boot process that spawned us on an older Node.js is gone: nobody could stop us any more.
  process.on('disconnect', () => stop.resolve())
  let reload = (): void => {}
  process.on('SIGHUP', () => reload())
  return {
    stop: stop.promise,
    onReload: (given) => {
      reload = given
    },
  }
}
