import Database from 'better-sqlite3'

/**
 * Copies a SQLite database as it is at one moment, while others read and write it, into a new file that needs no other beside it. Rejects
 * when either cannot be used, or the copy is not sound.
 */
export async function copyDatabase(from: string, to: string): Promise<void> {
  const source = new Database(from, { readonly: true, fileMustExist: true, timeout: 10_000 })
  try {
    await source.backup(to)
  } finally {
    source.close()
  }
  const copy = new Database(to, { fileMustExist: true })
  try {
    copy.pragma('journal_mode = DELETE')
    const found: unknown = copy.pragma('quick_check', { simple: true })
    if (found !== 'ok') throw new Error(`the copy of ${from} is not sound: ${String(found)}`)
  } finally {
    copy.close()
  }
}

/** Runs statements on a database that nobody has open, in one transaction. */
export function changeDatabase(file: string, statements: readonly string[]): void {
  const database = new Database(file, { fileMustExist: true })
  try {
    database.transaction(() => {
      for (const statement of statements) database.exec(statement)
    })()
  } finally {
    database.close()
  }
}

/** Empties those of these tables that a database has which nobody has open: an older one may lack some. */
export function emptyTables(file: string, tables: readonly string[]): void {
  const database = new Database(file, { fileMustExist: true })
  try {
    const there = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all()
    database.transaction(() => {
      for (const table of tables) if (there.includes(table)) database.exec(`DELETE FROM ${table}`)
    })()
  } finally {
    database.close()
  }
}
