export { type RollingCounts, type WindowCharge, RollingCounters, windowLength } from './counters.ts'
export { type Standing, type StandingRow, StandingBook } from './standing.ts'
