export { CopyCounter, type EnvelopeNumbers, copyName, envelopeNumbers } from './copies.ts'
export { RollingCounters, countedSince } from './counters.ts'
export { StandingBook } from './standing.ts'
