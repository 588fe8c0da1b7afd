export { type DaneVerdict, matchDane, namesOf } from './match.ts'
export { type DaneRecord, usableRecords } from './usable.ts'
