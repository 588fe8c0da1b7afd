import type { Domain } from '../names/domain.ts'
import { type SharedRange, networksOf } from './range.ts'

/** Where Gmail and Google Workspace send from by Google's own SPF records: every Workspace domain and every consumer shares it. */
export const googleOutbound: SharedRange = {
  provider: 'google',
  name: 'Google outbound (SPF)',
  source: 'TXT _spf.google.com and _netblocks to _netblocks3.google.com',
  date: '2026-08-11',
  current: true,
  networks: networksOf(`
    35.190.247.0/24 64.233.160.0/19 66.102.0.0/20 66.249.80.0/20 72.14.192.0/18 74.125.0.0/16 108.177.8.0/21 173.194.0.0/16
    209.85.128.0/17 216.58.192.0/19 216.239.32.0/19 172.217.0.0/19 172.217.32.0/20 172.217.128.0/19 172.217.160.0/20
    172.217.192.0/19 172.253.56.0/21 172.253.112.0/20 108.177.96.0/19 35.191.0.0/16 130.211.0.0/22
    2001:4860:4000::/36 2404:6800:4000::/36 2607:f8b0:4000::/36 2800:3f0:4000::/36 2a00:1450:4000::/36 2c0f:fb50:4000::/36`),
}

/**
 * The Workspace of Google's default DKIM domain, `<domain with hyphens>.<date>.gappssmtp.com`, with its hyphens (another domain may give the
 * same text); null: it is no such domain.
 */
export function workspaceOfDefaultKey(domain: Domain): string | null {
  return /^([a-z0-9-]+)(?:\.[0-9]{8})?\.gappssmtp\.com$/.exec(domain)?.[1] ?? null
}
