export { type Config, isConfigProblems } from './config.ts'
export { findConfig, here, loadConfig } from './load.ts'
