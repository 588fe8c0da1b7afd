import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Migration, openStore, runMigrations } from './sql.ts'

type Tables = { thing: { id: number; name: string } }

const first: Migration = {
  name: '0001-thing',
  up: async (db) => {
    await db.schema
      .createTable('thing')
      .addColumn('id', 'integer', (c) => c.primaryKey())
      .addColumn('name', 'text')
      .execute()
  },
}
const second: Migration = {
  name: '0002-one',
  up: async (db) => {
    const typed = db as Kysely<Tables>
    await typed.insertInto('thing').values({ id: 1, name: 'one' }).execute()
  },
}
const broken: Migration = {
  name: '0003-broken',
  up: async (db) => {
    await db.schema.createTable('other').addColumn('id', 'integer').execute()
    throw new Error('no room')
  },
}

let directory: string
let opened: Kysely<Tables>[]
const open = (url: string, options = {}) => {
  const db = openStore<Tables>(url, options)
  opened.push(db)
  return db
}

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sql-'))
  opened = []
})
afterEach(async () => {
  for (const db of opened) await db.destroy()
  rmSync(directory, { recursive: true })
})

describe('openStore', () => {
  test('refuses a store that is not SQLite', () => {
    expect(() => open('postgres://db/anechoic')).toThrow('not of the form sqlite:PATH')
    expect(() => open('sqlite:')).toThrow('not of the form sqlite:PATH')
  })

  test('makes the directory, and a reader cannot write', async () => {
    const url = `sqlite:${join(directory, 'deep/er/store.db')}`
    await runMigrations(open(url), 'room', [first])
    const reader = open(url, { readOnly: true })
    expect(await reader.selectFrom('thing').selectAll().execute()).toEqual([])
    await expect(reader.insertInto('thing').values({ id: 1, name: 'x' }).execute()).rejects.toThrow('readonly')
  })

  test('two connections that read and then write in one transaction do not overtake each other', async () => {
    const url = `sqlite:${join(directory, 'store.db')}`
    const one = open(url)
    const other = open(url)
    await runMigrations(one, 'room', [first, second])
    const next = (db: Kysely<Tables>) =>
      db.transaction().execute(async (tx) => {
        const row = await tx
          .selectFrom('thing')
          .select((e) => e.fn.max('id').as('id'))
          .executeTakeFirstOrThrow()
        await tx
          .insertInto('thing')
          .values({ id: row.id + 1, name: 'next' })
          .execute()
      })
    await next(one)
    await next(other)
    await next(one)
    expect((await one.selectFrom('thing').select('id').orderBy('id').execute()).map((row) => row.id)).toEqual([
      1, 2, 3, 4,
    ])
  })
})

describe('runMigrations', () => {
  test('runs each step once and keeps rooms apart', async () => {
    const db = open('sqlite::memory:')
    await runMigrations(db, 'room', [first])
    await runMigrations(db, 'room', [first, second])
    await runMigrations(db, 'room', [first, second])
    await runMigrations(db, 'another', [])
    expect(await db.selectFrom('thing').selectAll().execute()).toEqual([{ id: 1, name: 'one' }])
  })

  test('a step that fails leaves nothing of its run', async () => {
    const db = open('sqlite::memory:')
    await runMigrations(db, 'room', [first])
    await expect(runMigrations(db, 'room', [first, second, broken])).rejects.toThrow('no room')
    expect(await db.selectFrom('thing').selectAll().execute()).toEqual([])
    const tables = await db.introspection.getTables()
    expect(tables.map((table) => table.name)).not.toContain('other')
  })

  test('a store of a newer version is refused', async () => {
    const db = open('sqlite::memory:')
    await runMigrations(db, 'room', [first, second])
    await expect(runMigrations(db, 'room', [first])).rejects.toThrow('newer version: it holds room migration 0002-one')
  })

  test('processes that start together all succeed, and each step runs once', async () => {
    const url = `sqlite:${join(directory, 'store.db')}`
    const program = `
      import { openStore, runMigrations } from ${JSON.stringify(new URL('./sql.ts', import.meta.url).href)}
      const db = openStore(${JSON.stringify(url)})
      await runMigrations(db, 'room', [
        { name: '0001', up: async (db) => { await db.schema.createTable('thing').addColumn('id', 'integer').addColumn('name', 'text').execute() } },
        { name: '0002', up: async (db) => { await db.insertInto('thing').values({ id: 1, name: String(process.pid) }).execute() } },
      ])
      await db.destroy()
    `
    const runs = [1, 2, 3, 4].map(
      () =>
        new Promise<string>((resolve) => {
          const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
            stdio: ['ignore', 'ignore', 'pipe'],
          })
          let complaint = ''
          child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
          child.on('close', (code) => resolve(code === 0 ? 'done' : complaint))
        }),
    )
    expect(await Promise.all(runs)).toEqual(['done', 'done', 'done', 'done'])
    expect(await open(url).selectFrom('thing').selectAll().execute()).toHaveLength(1)
  })
})
