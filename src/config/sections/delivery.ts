import { z } from 'zod'
import { ipField } from '../../standards/yaml/fields.ts'
import { durationField, remoteHostField, routeDomainField } from '../fields.ts'
import { poolsField } from './pools.ts'
import { outboundTlsFields } from './outbound-tls.ts'
import { shapingFields } from './shaping.ts'
import { always, alwaysInLists, described, path, repeats } from './shape.ts'

const route = z.strictObject({
  domain: described(
    routeDomainField,
    'Recipient domain: `*` for all, `example.com`, or `*.example.com` for all below it. The most exact wins.',
  ),
  host: described(remoteHostField, 'Next hop: a name or an address.'),
  port: described(z.int().min(1, 'must be 1 to 65535').max(65535, 'must be 1 to 65535').prefault(25), 'Its port.'),
  tls: described(
    z.enum(['opportunistic', 'required', 'off']).prefault('opportunistic'),
    '`opportunistic` uses STARTTLS when offered; `required` sends only over TLS; `off` never asks for it.',
  ),
  tlsCa: described(
    path.nullable().prefault(null),
    'PEM file with the certificates of the authorities to believe at this host, instead of those of `delivery.tlsCa`.',
  ),
})

const routes = z.array(route).superRefine((all: readonly Partial<z.output<typeof route>>[], context) => {
  for (const at of repeats(all.map((one) => one?.domain))) {
    context.addIssue({ code: 'custom', path: [at, 'domain'], message: 'another route has this domain' })
  }
}, alwaysInLists)

const retry = z
  .strictObject({
    first: described(durationField.prefault('60s'), 'Wait after the first temporary failure.'),
    factor: described(
      z.number().min(1, 'must be 1 or more').max(100, 'must be at most 100').prefault(2),
      'Each wait is this many times the one before.',
    ),
    max: described(durationField.prefault('4h'), 'The longest wait.'),
    giveUpAfter: described(durationField.prefault('5d'), 'Age at which a message is returned.'),
  })
  .superRefine((one, context) => {
    if (one.max < one.first) context.addIssue({ code: 'custom', path: ['max'], message: 'is shorter than first' })
    if (one.giveUpAfter < one.first)
      context.addIssue({ code: 'custom', path: ['giveUpAfter'], message: 'is shorter than first' })
  }, always)

/** `delivery`: how mail leaves. */
export const deliverySection = described(
  z
    .strictObject({
      routes: described(routes.prefault([]), 'Where mail goes instead of to the MX of the recipient domain.'),
      port: described(
        z.int().min(1, 'must be 1 to 65535').max(65535, 'must be 1 to 65535').prefault(25),
        'Port of the MX hosts.',
      ),
      sourceAddresses: described(
        z.array(ipField).prefault([]),
        'Addresses of ours to connect from: the pool `default`, all of the same weight. An empty list leaves it to the system.',
      ),
      pools: described(
        poolsField.prefault([]),
        'Groups of addresses of ours, which the policy names for a customer, a grant or a class of mail (`pool`).',
      ),
      retry: described(
        retry.prefault({}),
        'The clock of temporary failures at the destination. Faults of ours never touch it.',
      ),
      ...outboundTlsFields,
      ...shapingFields,
    })
    .superRefine((one, context) => {
      const named = Array.isArray(one.pools) && one.pools.some((pool) => pool?.name === 'default')
      if (named && Array.isArray(one.sourceAddresses) && one.sourceAddresses.length > 0) {
        context.addIssue({
          code: 'custom',
          path: ['sourceAddresses'],
          message: 'is the pool default, which pools names too: put the addresses there',
        })
      }
    }, always)
    .prefault({}),
  'How mail leaves.',
)
