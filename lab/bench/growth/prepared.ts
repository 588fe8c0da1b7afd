import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { openStore } from '../../../src/platform/sql.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import {
  type Registry,
  isPolicyProblems,
  migrateRegistry,
  openRegistry,
  policyContext,
  readPolicy,
} from '../../../src/rooms/registry/index.ts'
import type { RegistryTables } from '../../../src/rooms/registry/store/tables.ts'
import { ensureWrappingKey } from '../../../src/signer/index.ts'
import { fetchWrappingKey } from '../../../src/signer/wrapping-place.ts'
import { wrapKey } from '../../../src/signer/wrapping.ts'
import { formatKeyRecord, publicKeyText } from '../../../src/standards/dkim/key-record.ts'
import type { Domain } from '../../../src/standards/names/domain.ts'
import { policyAsJson } from './many-customers.ts'

export const operator = 'relay.lab.example' as Domain
export const context = policyContext(operator, { m365: { networks: null }, google: { networks: null } })

/** Opens the registry of a data directory, as a process of the product would. */
export async function registryIn(
  dataDir: string,
): Promise<{ readonly registry: Registry; readonly close: () => Promise<void> }> {
  const store = openStore<RegistryTables>(`sqlite:${join(dataDir, 'anechoic.db')}`)
  await migrateRegistry(store)
  return { registry: openRegistry(store, operator, systemClock), close: () => store.destroy() }
}

/** A data directory with a policy of so many customers and an active key for every (domain, source), as after years of work. */
export async function prepareDataDirectory(dataDir: string, customers: number): Promise<void> {
  const policy = await readPolicy(policyAsJson(customers), 'policy.json', context)
  if (isPolicyProblems(policy)) throw new Error(policy.lines.slice(0, 5).join('\n'))
  const store = openStore<RegistryTables>(`sqlite:${join(dataDir, 'anechoic.db')}`)
  try {
    await migrateRegistry(store)
    const registry = openRegistry(store, operator, systemClock)
    await registry.apply(policy, 'the benchmark')
    await giveKeys(registry, store, `file:${join(dataDir, 'wrapping.key')}`)
  } finally {
    await store.destroy()
  }
}

const rowsAtOnce = 50

/** Writes a key for each that is wanted, active at once. One pair serves them all, wrapped for each: making 300,000 would take hours. */
async function giveKeys(registry: Registry, store: Kysely<RegistryTables>, place: string): Promise<void> {
  ensureWrappingKey(place)
  const wrapping = fetchWrappingKey(place)
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const der = createPrivateKey(privateKey.export({ type: 'pkcs8', format: 'pem' })).export({
    type: 'pkcs8',
    format: 'der',
  })
  const p = publicKeyText(createPublicKey(privateKey))
  const record = formatKeyRecord('rsa-sha256', p)
  const at = systemClock.now()
  const rows = (await registry.keysWanted(10_000_000)).map(({ bits = 0, ...key }): RegistryTables['signing_key'] => ({
    ...key,
    bits,
    generation: 1,
    state: 'pending',
    state_since: at,
    wrapped: wrapKey(wrapping, key, der).wrapped,
    public_key: p,
    record,
    created_at: at,
    seen_at: at,
    gone_at: null,
    active_from_version: null,
    active_until_version: null,
    look_at: null,
  }))
  // As a row by itself each would take a millisecond.
  await store.transaction().execute(async (tx) => {
    for (let from = 0; from < rows.length; from += rowsAtOnce)
      await tx
        .insertInto('signing_key')
        .values(rows.slice(from, from + rowsAtOnce))
        .execute()
    await tx.deleteFrom('wanted_key').execute()
  })
  const last = await store.selectFrom('signing_key').select(['selector', 'domain']).executeTakeFirst()
  // The one makes the version; the others join it.
  const version = last === undefined ? null : await registry.markKeyActive(last.selector, last.domain, 'the benchmark')
  await store
    .updateTable('signing_key')
    .set({ state: 'active', active_from_version: version, look_at: null })
    .where('state', '=', 'pending')
    .execute()
}
