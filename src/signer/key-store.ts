import { createPrivateKey, type KeyObject } from 'node:crypto'
import { type PolicyChange, recordName } from './policy-copy.ts'
import type { WrappedKey } from './protocol.ts'
import { type WrappingKey, unwrapKey } from './wrapping.ts'

/**
 * Private keys by the name of their record (selector and domain, which no two keys share). A key is opened when it first signs and then
 * kept as a KeyObject; its octets are cleared as soon as the KeyObject is made.
 */
export class KeyStore {
  readonly #wrapping: WrappingKey
  readonly #stored = new Map<string, WrappedKey>()
  readonly #opened = new Map<string, KeyObject>()

  constructor(wrapping: WrappingKey) {
    this.#wrapping = wrapping
  }

  apply(change: PolicyChange): void {
    for (const key of change.lostKeys) {
      this.#stored.delete(recordName(key))
      this.#opened.delete(recordName(key))
    }
    for (const key of change.keys) {
      this.#stored.set(recordName(key), key)
      this.#opened.delete(recordName(key))
    }
  }

  find(selector: string, domain: string): WrappedKey | null {
    return this.#stored.get(recordName({ selector, domain })) ?? null
  }

  /** null: the blob can't be opened with the wrapping key of this process, or holds a key of another type. */
  open(key: WrappedKey): KeyObject | null {
    const name = recordName(key)
    const known = this.#opened.get(name)
    if (known !== undefined) return known
    const opened = openKey(this.#wrapping, key)
    if (opened !== null) this.#opened.set(name, opened)
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
