import { base64Lines, foldedField } from '../dsn/text.ts'
import { formatDateTime } from '../message/date-time.ts'
import { type Mailbox, formatMailbox } from '../names/mailbox.ts'
import { type TlsReport, gzippedTlsReport, tlsReportFile } from './report.ts'

export type TlsReportMail = {
  readonly report: TlsReport
  /** The domain that sends the report, and signs it. */
  readonly submitter: string
  readonly to: Mailbox
  readonly messageId: string
  readonly boundary: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/**
 * A report as mail (RFC 8460 §5.3). It asks for delivery whatever the domain's TLS policy says (`TLS-Required: No`, RFC 8689): of a
 * policy that keeps all mail out nobody would hear otherwise.
 */
export function buildTlsReportMail(mail: TlsReportMail): { readonly header: Buffer; readonly body: readonly Buffer[] } {
  const { report, submitter, to, messageId, boundary, at } = mail
  const { domain, id, day } = report
  const file = tlsReportFile(report, submitter)
  const header = [
    foldedField('From', `TLS reports <postmaster@${submitter}>`),
    foldedField('To', `<${formatMailbox(to)}>`),
    foldedField('Subject', `Report Domain: ${domain} Submitter: ${submitter} Report-ID: <${id}>`),
    foldedField('Date', formatDateTime(at)),
    foldedField('Message-ID', `<${messageId}>`),
    foldedField('TLS-Report-Domain', domain),
    foldedField('TLS-Report-Submitter', submitter),
    'TLS-Required: No\r\n',
    'Auto-Submitted: auto-generated\r\n',
    'MIME-Version: 1.0\r\n',
    `Content-Type: multipart/report; report-type="tlsrpt";\r\n boundary="${boundary}"\r\n`,
  ].join('')
  const body = [
    `--${boundary}\r\n`,
    'Content-Type: text/plain; charset=us-ascii\r\n\r\n',
    `This is a report on how TLS with the mail servers of ${domain}\r\nwent on ${day} (UTC), as ${submitter} saw it.\r\n\r\n`,
    `--${boundary}\r\n`,
    'Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n',
    `Content-Disposition: attachment;\r\n filename="${file}"\r\n\r\n`,
    base64Lines(gzippedTlsReport(report)),
    `--${boundary}--\r\n`,
  ].join('')
  return { header: Buffer.from(header, 'latin1'), body: [Buffer.from(body, 'latin1')] }
}
