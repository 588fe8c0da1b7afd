import { gzipSync } from 'node:zlib'

/** How sessions under one policy of a domain came out on one day (RFC 8460 §4.4). */
export type PolicyResults = {
  readonly type: 'tlsa' | 'sts' | 'no-policy-found'
  readonly lines: readonly string[]
  readonly mx: readonly string[]
  readonly successes: number
  readonly failures: readonly {
    readonly type: string
    readonly sendingIp: string
    readonly mx: string
    readonly receivingIp: string
    readonly sessions: number
    readonly words: string
  }[]
}

export type TlsReport = {
  readonly organisation: string
  readonly contact: string
  readonly id: string
  /** The domain that it is about. */
  readonly domain: string
  /** `2026-11-24`, in UTC. */
  readonly day: string
  readonly policies: readonly PolicyResults[]
}

/** The report as RFC 8460 §4.4 has it in JSON. */
function tlsReportJson(report: TlsReport): string {
  return JSON.stringify({
    'organization-name': report.organisation,
    'date-range': { 'start-datetime': `${report.day}T00:00:00Z`, 'end-datetime': `${report.day}T23:59:59Z` },
    'contact-info': report.contact,
    'report-id': report.id,
    policies: report.policies.map((one) => policyJson(one, report.domain)),
  })
}

function policyJson(policy: PolicyResults, domain: string): object {
  const failed = policy.failures.reduce((sum, one) => sum + one.sessions, 0)
  return {
    policy: {
      'policy-type': policy.type,
      ...(policy.lines.length === 0 ? {} : { 'policy-string': policy.lines }),
      'policy-domain': domain,
      ...(policy.mx.length === 0 ? {} : { 'mx-host': policy.mx }),
    },
    summary: { 'total-successful-session-count': policy.successes, 'total-failure-session-count': failed },
    ...(policy.failures.length === 0 ? {} : { 'failure-details': policy.failures.map(failureJson) }),
  }
}

function failureJson({ type, sendingIp, mx, receivingIp, sessions, words }: PolicyResults['failures'][number]): object {
  return {
    'result-type': type,
    ...(sendingIp === '' ? {} : { 'sending-mta-ip': sendingIp }),
    'receiving-mx-hostname': mx,
    ...(receivingIp === '' ? {} : { 'receiving-ip': receivingIp }),
    'failed-session-count': sessions,
    'additional-information': words,
  }
}

/** `submitter!domain!begin!end!id.json.gz` (RFC 8460 §5.1), moments in seconds. */
export function tlsReportFile({ domain, day, id }: TlsReport, submitter: string): string {
  const begin = Date.parse(`${day}T00:00:00Z`) / 1000
  return `${submitter}!${domain}!${begin}!${begin + 86_399}!${id.replace(/[^A-Za-z0-9.-]/g, '-')}.json.gz`
}

export function gzippedTlsReport(report: TlsReport): Buffer {
  return gzipSync(Buffer.from(tlsReportJson(report), 'utf8'))
}
