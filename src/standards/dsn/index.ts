export { buildDsn } from './build.ts'
export type { BuiltDsn, DsnAction, DsnRecipient, DsnReport } from './report.ts'
