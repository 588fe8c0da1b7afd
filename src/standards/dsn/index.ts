export { buildDsn } from './build.ts'
export type { DsnAction } from './report.ts'
