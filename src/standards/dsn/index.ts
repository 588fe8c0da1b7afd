export { buildDsn } from './build.ts'
export { type ReadDsn, type ReadRecipient, readDsn } from './read.ts'
export type { DsnAction } from './report.ts'
