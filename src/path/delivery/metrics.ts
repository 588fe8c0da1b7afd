/** Counts since the start, for `/metrics`. Only this room writes them. */
export type DeliveryMetrics = {
  /** Recipients by what became of them. */
  delivered: number
  deferred: number
  failed: number
  /** Messages put on hold because their grant no longer stands. */
  withdrawn: number
  attempts: number
  connectionsOpened: number
  connectionsReused: number
  tlsConnections: number
  /** Opportunistic handshakes that failed, after which the mail went in clear. */
  tlsFallbacks: number
  signaturesMade: number
  signaturesReused: number
  /** Times that a fault of ours (signer away, no key yet, disk) made a message wait. */
  ownFaults: number
  reports: number
  /** Gauges. */
  inFlight: number
  waiting: number
  bodyBytes: number
}

export function newMetrics(): DeliveryMetrics {
  return {
    delivered: 0,
    deferred: 0,
    failed: 0,
    withdrawn: 0,
    attempts: 0,
    connectionsOpened: 0,
    connectionsReused: 0,
    tlsConnections: 0,
    tlsFallbacks: 0,
    signaturesMade: 0,
    signaturesReused: 0,
    ownFaults: 0,
    reports: 0,
    inFlight: 0,
    waiting: 0,
    bodyBytes: 0,
  }
}
