import { setImmediate as breath } from 'node:timers/promises'
import type { Log } from '../platform/log.ts'
import type { Secret } from '../standards/secret.ts'
import { signerLaunch } from './launch.ts'
import { SignerLine } from './line.ts'
import { type PolicyChange, type PolicySource, copyInParts, recordName } from './policy-copy.ts'
import type { KeyName, Signer, SigningAnswer, SigningRequest } from './protocol.ts'
import { encodeHello, encodeKey, encodePolicyChange } from './wire.ts'

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
  /** Says, once, where the policy is to be found: each signer process is given its grants at its start, and a key when that is first to sign. */
  follow(source: PolicySource): void
  /**
   * Gives the signer what has changed since. Call it before the source itself shows the new policy, and before a permit sealed under it
   * is used: one that is newer than the signer's copy is answered `unavailable`.
   */
  update(change: PolicyChange): void
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
  #source: PolicySource | null = null
  /** Names of the keys that the running process was given. */
  #held = new Set<string>()
  /** Changes that came while it is being given its copy. */
  #waiting: PolicyChange[] | null = null
  /** Keys on their way to it. */
  readonly #fetching = new Map<string, Promise<void>>()
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
    if (this.#line === null) return { kind: 'unavailable', reason: 'the signer is away' }
    const name = recordName(request.permit)
    try {
      if (!this.#held.has(name)) await this.#fetch(request.permit, name)
    } catch (error) {
      this.#log.error('a signing key could not be read', { domain: request.permit.domain, error })
      return { kind: 'unavailable', reason: 'the key could not be read' }
    }
    return this.#line?.ask(request) ?? { kind: 'unavailable', reason: 'the signer is away' }
  }

  follow(source: PolicySource): void {
    if (this.#source !== null) throw new Error('the signer follows a policy already')
    this.#source = source
    if (this.#line !== null) void this.#tellCopy(this.#line, source)
  }

  update(change: PolicyChange): void {
    for (const key of change.lostKeys) {
      this.#held.delete(recordName(key))
      // What is being read may be the key as it was before: it is not passed on.
      this.#fetching.delete(recordName(key))
    }
    if (this.#waiting !== null) this.#waiting.push(change)
    else this.#line?.tell(encodePolicyChange(change))
  }

  /** Part by part: between two of them the relay goes on with its mail. What changes meanwhile comes after the copy. */
  async #tellCopy(line: SignerLine, source: PolicySource): Promise<void> {
    const waiting: PolicyChange[] = []
    this.#waiting = waiting
    for (const part of copyInParts(source.copy())) {
      line.tell(encodePolicyChange(part))
      if (part.version === -1) await breath()
      if (this.#line !== line) return
    }
    for (const change of waiting) line.tell(encodePolicyChange(change))
    this.#waiting = null
  }

  /** Brings a key to the signer. One that may not sign is not there, and the signer will say so. */
  #fetch({ selector, domain }: KeyName, name: string): Promise<void> {
    const under = this.#fetching.get(name)
    if (under !== undefined) return under
    const line = this.#line
    const fetching = Promise.resolve(this.#source?.activeKey({ selector, domain }) ?? null)
      .then((key) => {
        if (key === null || line === null || this.#line !== line || this.#fetching.get(name) !== fetching) return
        line.tell(encodeKey(key))
        this.#held.add(name)
      })
      .finally(() => {
        if (this.#fetching.get(name) === fetching) this.#fetching.delete(name)
      })
    this.#fetching.set(name, fetching)
    return fetching
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
    this.#held = new Set()
    this.#fetching.clear()
    this.#waiting = null
    line.tell(encodeHello({ sealKey: this.#options.sealKey, wrapping: this.#launch.wrapping }))
    if (this.#source !== null) void this.#tellCopy(line, this.#source)
  }
}
