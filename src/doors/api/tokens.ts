import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Migration } from '../../platform/sql.ts'
import type { Secret } from '../../standards/secret.ts'

type TokenTable = { api_token: { hash: string; role: string; label: string; created_at: number } }

export const tokenMigrations: readonly Migration[] = [
  {
    name: '001-tokens',
    up: async (db) => {
      await db.schema
        .createTable('api_token')
        .addColumn('hash', 'text', (column) => column.primaryKey())
        .addColumn('role', 'text', (column) => column.notNull())
        .addColumn('label', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()
    },
  },
]

/** Who asks. Until people have accounts there are two: the holder of an administrator's token, and a shell on this machine. */
export type Caller = { readonly name: string; readonly role: 'operator-admin' }

export type TokenBook = {
  /** Stores the bootstrap token of the environment if the store holds no token at all yet. */
  bootstrap(token: Secret<string>, now: number): Promise<void>
  /** null for a token that is not known. */
  callerOf(token: string): Promise<Caller | null>
}

/** Tokens are kept as SHA-256: they are long and random, so a slow hash would buy nothing. `local` is this boot's token for the CLI on the same machine. */
export function openTokenBook<Tables>(db: Kysely<Tables>, local: Secret<string>): TokenBook {
  const store = db as unknown as Kysely<TokenTable>
  const localHash = hashOf(local.reveal())
  return {
    bootstrap: async (token, now) => {
      await store.transaction().execute(async (tx) => {
        const any = await tx.selectFrom('api_token').select('hash').limit(1).executeTakeFirst()
        if (any !== undefined) return
        const row = {
          hash: hashOf(token.reveal()).toString('hex'),
          role: 'operator-admin',
          label: 'bootstrap',
          created_at: now,
        }
        await tx.insertInto('api_token').values(row).execute()
      })
    },
    callerOf: async (token) => {
      const hash = hashOf(token)
      if (timingSafeEqual(hash, localHash)) return { name: 'operator@this-machine', role: 'operator-admin' }
      const row = await store
        .selectFrom('api_token')
        .select(['label', 'role'])
        .where('hash', '=', hash.toString('hex'))
        .executeTakeFirst()
      return row === undefined || row.role !== 'operator-admin' ? null : { name: `token:${row.label}`, role: row.role }
    },
  }
}

export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
