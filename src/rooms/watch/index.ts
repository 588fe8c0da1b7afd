export { RollingCounters, countedSince } from './counters.ts'
export { StandingBook } from './standing.ts'
