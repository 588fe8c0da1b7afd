import { createPrivateKey, type KeyObject } from 'node:crypto'
import { type PolicyChange, recordName } from './policy-copy.ts'
import type { WrappedKey } from './protocol.ts'
import { type WrappingKey, unwrapKey } from './wrapping.ts'

/** Keys kept open at a time: more would take gigabytes where hundreds of thousands have signed, and opening one again costs less than its signature. */
const mostOpen = 10_000

/**
 * Private keys by the name of their record (selector and domain, which no two keys share). A key is opened when it first signs and kept
 * as a KeyObject until so many others were used since; its octets are cleared as soon as the KeyObject is made.
 */
export class KeyStore {
  readonly #wrapping: WrappingKey
  readonly #mostOpen: number
  readonly #stored = new Map<string, WrappedKey>()
  /** In the order of their last use. */
  readonly #opened = new Map<string, KeyObject>()

  constructor(wrapping: WrappingKey, most = mostOpen) {
    this.#wrapping = wrapping
    this.#mostOpen = most
  }

  hold(key: WrappedKey): void {
    this.#stored.set(recordName(key), key)
    this.#opened.delete(recordName(key))
  }

  apply(change: PolicyChange): void {
    for (const key of change.lostKeys) {
      this.#stored.delete(recordName(key))
      this.#opened.delete(recordName(key))
    }
  }

  find(selector: string, domain: string): WrappedKey | null {
    return this.#stored.get(recordName({ selector, domain })) ?? null
  }

  /** null: the blob can't be opened with the wrapping key of this process, or holds a key of another type. */
  open(key: WrappedKey): KeyObject | null {
    const name = recordName(key)
    const opened = this.#opened.get(name) ?? openKey(this.#wrapping, key)
    if (opened === null) return null
    this.#opened.delete(name)
    this.#opened.set(name, opened)
    if (this.#opened.size > this.#mostOpen) {
      const [oldest] = this.#opened.keys()
      if (oldest !== undefined) this.#opened.delete(oldest)
    }
    return opened
  }
}

function openKey(wrapping: WrappingKey, key: WrappedKey): KeyObject | null {
  const der = unwrapKey(wrapping, key)
  if (der === null) return null
  try {
    const opened = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    return opened.asymmetricKeyType === (key.algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519') ? opened : null
  } catch {
    return null
  } finally {
    der.fill(0)
  }
}
