export { buildTlsReportMail } from './mail.ts'
export { type ReportAddress, parseTlsReportRecords } from './record.ts'
export { type PolicyResults, type TlsReport, gzippedTlsReport } from './report.ts'
