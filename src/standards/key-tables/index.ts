export type { FoundKey, FoundKeys } from './found-key.ts'
export { fileOfDataSet, readKeyTable, readOpendkimConfiguration } from './opendkim.ts'
export { readRspamdConfiguration, rspamdKeys } from './rspamd.ts'
