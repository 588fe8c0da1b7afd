export { type Config, type ConfigProblems, isConfigProblems } from './config.ts'
export { type Environment, findConfig, loadConfig } from './load.ts'
