import type { Clock } from '../platform/clock.ts'
import type { Secret } from '../standards/secret.ts'
import { checkRequest } from './check.ts'
import { KeyStore } from './key-store.ts'
import { GrantIndex, type PolicyChange } from './policy-copy.ts'
import type { SigningAnswer, WrappedKey } from './protocol.ts'
import { signBeside, signNow } from './sign.ts'
import type { ClaimedRequest } from './wire.ts'
import type { WrappingKey } from './wrapping.ts'

/** Answers requests from what this process knows: the seal key of the boot, its policy copy and its keys. Knows no pipe. */
export class Desk {
  readonly #sealKey: Secret<Buffer>
  readonly #clock: Clock
  readonly #grants = new GrantIndex()
  readonly #keys: KeyStore
  #policyVersion = -1

  constructor(sealKey: Secret<Buffer>, wrapping: WrappingKey, clock: Clock) {
    this.#sealKey = sealKey
    this.#clock = clock
    this.#keys = new KeyStore(wrapping)
  }

  apply(change: PolicyChange): void {
    this.#grants.apply(change)
    this.#keys.apply(change)
    this.#policyVersion = change.version
  }

  hold(key: WrappedKey): void {
    this.#keys.hold(key)
  }

  /** `beside`: RSA may go to the thread pool, since other requests are waiting. Never throws or rejects. */
  answer(request: ClaimedRequest, beside: boolean): SigningAnswer | Promise<SigningAnswer> {
    try {
      const checked = checkRequest(request, this.#state(), this.#clock.now())
      if (checked.kind !== 'cleared') return checked
      const { key, algorithm } = checked
      if (!beside || algorithm !== 'rsa-sha256')
        return { kind: 'signature', signature: signNow(key, algorithm, request.input) }
      return signBeside(key, request.input).then((signature) => ({ kind: 'signature', signature }) as const, fault)
    } catch {
      return fault()
    }
  }

  #state() {
    return { sealKey: this.#sealKey, policyVersion: this.#policyVersion, grants: this.#grants, keys: this.#keys }
  }
}

function fault(): SigningAnswer {
  return { kind: 'unavailable', reason: 'the signer failed at this request' }
}
