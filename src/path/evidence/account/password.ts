import { argon2, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Secret } from '../../../standards/secret.ts'
import { Fault } from '../../../standards/smtp/fault.ts'
import { reply } from '../../../standards/smtp/reply.ts'

const derive = promisify(argon2)

/** Derivations at one time, each of which takes the memory that its hash asks for, and how many may wait. */
const maxRunning = 2
const maxWaiting = 200
/** A client signs in anew for each connection; a password that was right is not derived again for a while. */
const rememberFor = 600_000
const maxRemembered = 2000
const maxPasswordOctets = 1024

/** What an unknown account is measured with, so that it takes as long as a wrong password. */
const nobody = `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** Verifies passwords against argon2id hashes in PHC form (RFC 9106). Nothing of a password stays in memory but a keyed digest of this process. */
export class PasswordVerifier {
  readonly #key = new Secret(randomBytes(32))
  readonly #right = new Map<string, number>()
  readonly #waiting: (() => void)[] = []
  #running = 0

  /**
   * `hash` is null for an account that does not exist. `now` in milliseconds since the epoch.
   * @throws Fault 454 when too many sign-ins are waiting already.
   */
  async verify(hash: string | null, password: Secret<string>, now: number): Promise<boolean> {
    const octets = Buffer.from(password.reveal(), 'utf8')
    if (octets.length > maxPasswordOctets) return false
    const digest = createHmac('sha256', this.#key.reveal())
      .update(`${hash ?? ''}\0`)
      .update(octets)
      .digest('base64')
    if (hash !== null && (this.#right.get(digest) ?? 0) > now) return true
    const matches = await this.#derive(hash ?? nobody, octets)
    if (hash === null || !matches) return false
    if (this.#right.size >= maxRemembered) this.#right.clear()
    this.#right.set(digest, now + rememberFor)
    return true
  }

  async #derive(hash: string, octets: Buffer): Promise<boolean> {
    if (this.#running >= maxRunning) await this.#turn()
    else this.#running++
    try {
      return await matchesHash(hash, octets)
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }

  /** Resolves when a running derivation hands over its place. */
  async #turn(): Promise<void> {
    if (this.#waiting.length >= maxWaiting) {
      throw new Fault(
        'us',
        reply(454, '4.7.0', 'too many sign-ins at this moment, please try again'),
        'sign-ins queue up',
      )
    }
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}

const phc =
  /^\$argon2id\$v=19\$m=([0-9]{1,8}),t=([0-9]{1,3}),p=([0-9]{1,2})\$([A-Za-z0-9+/]{1,128})\$([A-Za-z0-9+/]{1,128})$/

async function matchesHash(hash: string, message: Buffer): Promise<boolean> {
  const [, memory, passes, lanes, salt = '', wanted = ''] = phc.exec(hash) ?? []
  const expected = Buffer.from(wanted, 'base64')
  if (expected.length < 16) return false
  const derived = await derive('argon2id', {
    message,
    nonce: Buffer.from(salt, 'base64'),
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(lanes),
    tagLength: expected.length,
  })
  return timingSafeEqual(derived, expected)
}
