export { type CopyCharge, type CopyCounts, CopyCounter, type EnvelopeNumbers, envelopeNumbers } from './copies.ts'
export { RollingCounters, countedSince } from './counters.ts'
export { StandingBook } from './standing.ts'
