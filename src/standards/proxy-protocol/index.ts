export type { ProxyHeader } from './proxy-header.ts'
export { readProxyHeader } from './read-header.ts'
