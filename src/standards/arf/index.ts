export { type ReadArf, isComplaint, readArf } from './read.ts'
