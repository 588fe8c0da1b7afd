import type { Log } from '../platform/log.ts'
import type { Secret } from '../standards/secret.ts'
import { signerLaunch } from './launch.ts'
import { SignerLine } from './line.ts'
import { type PolicyCopy, policyChange } from './policy-copy.ts'
import type { Signer, SigningAnswer, SigningRequest } from './protocol.ts'
import { encodeHello, encodePolicyChange } from './wire.ts'

export type SignerOptions = {
  /** `keys.wrapping` of the configuration: `file:PATH`, `env:NAME` or `command:LINE`. */
  readonly wrapping: string
  /** At least 32 random octets, made anew at each start of the relay; `sealPermit()` seals under the same. */
  readonly sealKey: Secret<Buffer>
  /** How long one request may wait for its answer, in milliseconds (10,000 when not given). */
  readonly answerTimeoutMs?: number
  /** How many requests may wait at once (10,000 when not given). */
  readonly maxWaiting?: number
}

/** The relay's hold on its signer process. */
export interface SignerClient extends Signer {
  /**
   * Gives the signer the policy of this moment. Call it with every new snapshot, before a permit sealed under it is used: a permit
   * that is newer than the signer's copy is answered `unavailable`.
   */
  update(policy: PolicyCopy): void
  /** Resolves when a signer process first stands ready. */
  ready(): Promise<void>
  /** The process id of the running signer; null between two of them. */
  readonly pid: number | null
  /** Ends the signer and resolves when its process is gone. Requests in flight are answered `unavailable`. */
  close(): Promise<void>
}

const firstRetryMs = 100
const longestRetryMs = 5000
/** A process that lived this long earns the next one the first retry again. */
const soundLifeMs = 10_000

/**
 * Starts a signer process and keeps one running: when it dies, a new one is started after a back-off that begins at 100 ms, and gets the
 * seal key and the policy again. While there is none, `sign` answers `unavailable` at once. Throws when `wrapping` is no place.
 */
export function startSigner(options: SignerOptions, log: Log): SignerClient {
  return new RestartingSigner(options, log)
}

class RestartingSigner implements SignerClient {
  readonly #options: SignerOptions
  readonly #log: Log
  readonly #launch: ReturnType<typeof signerLaunch>
  readonly #firstReady: Promise<void>
  #announceReady: () => void = () => undefined
  #line: SignerLine | null = null
  #policy: PolicyCopy | null = null
  #retryMs = firstRetryMs
  #retry: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: SignerOptions, log: Log) {
    this.#options = options
    this.#log = log
    this.#launch = signerLaunch('serve', options.wrapping)
    this.#firstReady = new Promise((resolve) => {
      this.#announceReady = resolve
    })
    this.#start()
  }

  get pid(): number | null {
    return this.#line?.pid ?? null
  }

  ready(): Promise<void> {
    return this.#firstReady
  }

  async sign(request: SigningRequest): Promise<SigningAnswer> {
    return this.#line?.ask(request) ?? { kind: 'unavailable', reason: 'the signer is away' }
  }

  update(policy: PolicyCopy): void {
    const change = policyChange(this.#policy, policy)
    this.#policy = policy
    this.#line?.tell(encodePolicyChange(change))
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#retry !== null) clearTimeout(this.#retry)
    await this.#line?.close()
  }

  #start(): void {
    this.#retry = null
    const startedAt = performance.now()
    const line = new SignerLine(this.#launch, {
      answerTimeoutMs: this.#options.answerTimeoutMs ?? 10_000,
      maxWaiting: this.#options.maxWaiting ?? 10_000,
      onReady: () => {
        this.#log.info('the signer is ready', { pid: line.pid })
        this.#announceReady()
      },
      onEnd: (how) => {
        this.#line = null
        if (this.#closed) return
        if (performance.now() - startedAt > soundLifeMs) this.#retryMs = firstRetryMs
        this.#log.error('the signer is gone; starting another', { how, retryMs: this.#retryMs })
        this.#retry = setTimeout(() => this.#start(), this.#retryMs)
        this.#retryMs = Math.min(this.#retryMs * 2, longestRetryMs)
      },
    })
    this.#line = line
    line.tell(encodeHello({ sealKey: this.#options.sealKey, wrapping: this.#launch.wrapping }))
    if (this.#policy !== null) line.tell(encodePolicyChange(policyChange(null, this.#policy)))
  }
}
