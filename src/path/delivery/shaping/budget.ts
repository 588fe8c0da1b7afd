/** What part of a limit this process may use, where several share one. */
export interface Budget {
  /** @param key names what is limited; the same key has the same limit in every process. Answers at most `limit`, and may be 0. */
  allowance(key: string, limit: number): number
}

/** A process that shares with nobody has all of it. */
export const wholeBudget: Budget = { allowance: (_, limit) => limit }
