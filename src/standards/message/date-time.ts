const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const months: readonly string[] = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
// RFC 5322 §3.3, with the obsolete zone names to which RFC 5322 §4.3 gives a value, and one trailing comment such as `(UTC)`.
const dateTime =
  /^(?:[A-Za-z]{3},)?[ \t]{0,9}([0-9]{1,2})[ \t]{1,9}([A-Za-z]{3})[ \t]{1,9}([0-9]{4})[ \t]{1,9}([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?[ \t]{1,9}([+-][0-9]{4}|GMT|UT|UTC|Z)(?:[ \t]{1,9}\([^()\\]{0,100}\))?$/

/** A moment (milliseconds since the epoch) as RFC 5322 §3.3 `date-time`, in UTC. */
export function formatDateTime(moment: number): string {
  const at = new Date(moment)
  const day = `${days[at.getUTCDay()]}, ${at.getUTCDate()} ${months[at.getUTCMonth()]} ${at.getUTCFullYear()}`
  return `${day} ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}:${two(at.getUTCSeconds())} +0000`
}

/** A `date-time` (RFC 5322 §3.3) in milliseconds since the epoch, or null. `text` is unfolded and trimmed. */
export function parseDateTime(text: string): number | null {
  const found = text.length > 300 ? null : dateTime.exec(text)
  if (found === null) return null
  const [, dayText = '', monthName = '', yearText = '', hour = '', minute = '', second = '0', zone = ''] = found
  const month = months.indexOf(monthName.charAt(0).toUpperCase() + monthName.slice(1).toLowerCase())
  const [day, year] = [Number(dayText), Number(yearText)]
  if (month === -1 || year < 1900 || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null
  if (new Date(Date.UTC(year, month, day)).getUTCDate() !== day) return null
  return Date.UTC(year, month, day, Number(hour), Number(minute), Number(second)) - zoneMinutes(zone) * 60_000
}

function zoneMinutes(zone: string): number {
  if (!/^[+-]/.test(zone)) return 0
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3))
  return zone.startsWith('-') ? -minutes : minutes
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
