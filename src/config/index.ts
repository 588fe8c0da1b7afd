export { type Config, isConfigProblems } from './config.ts'
export { findConfig, loadConfig } from './load.ts'
