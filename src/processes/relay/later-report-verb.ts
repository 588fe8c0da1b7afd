/** How control asks a relay to store a report for a sender. */
export const laterReportVerb = 'later-report'
