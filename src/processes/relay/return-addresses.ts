import type { StoredMessage } from '../../path/custody/index.ts'
import type { DeliveryOptions } from '../../path/delivery/room.ts'
import type { Path } from '../../path/path.ts'
import type { Clock } from '../../platform/clock.ts'
import { returnLocalPart } from '../../standards/return-path/index.ts'
import type { Secret } from '../../standards/secret.ts'

/** Writes the addresses at which reports about a customer's mail come back to us, where its policy names a domain for them. */
export function returnAddresses(
  path: Pick<Path, 'returnPath'>,
  key: Secret<Buffer>,
  clock: Clock,
): NonNullable<DeliveryOptions['returnAddress']> {
  return (message: StoredMessage) => {
    const domain = path.returnPath(message)
    if (domain === null) return null
    const now = clock.now()
    return (recipient) => ({
      localPart: returnLocalPart(key, { message: message.id, recipient }, domain, now),
      domain,
    })
  }
}
