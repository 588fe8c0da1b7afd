export { matchDane, namesOf } from './match.ts'
export { type DaneRecord, usableRecords } from './usable.ts'
