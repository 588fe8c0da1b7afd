/** Octets that one string of a TXT record holds at most (RFC 1035 §3.3). */
const longestString = 255

export type ZoneRecord = { readonly name: string; readonly type: 'TXT' | 'CNAME'; readonly value: string }

/** A record as a line of a zone file (RFC 1035 §5.1), with its whole name; a long text is split as it must be. */
export function zoneLine(record: ZoneRecord): string {
  const data = record.type === 'CNAME' ? `${record.value}.` : zoneText(record.value)
  return `${record.name}. IN ${record.type} ${data}`
}

/** A text as strings of a zone file, in brackets when there is more than one. */
function zoneText(text: string): string {
  const octets = Buffer.from(text)
  const strings: string[] = []
  for (let at = 0; at < octets.length || at === 0; at += longestString) {
    strings.push(quoted(octets.subarray(at, at + longestString)))
  }
  return strings.length === 1 ? (strings[0] ?? '""') : `( ${strings.join(' ')} )`
}

function quoted(octets: Buffer): string {
  const shown = [...octets].map((octet) => {
    if (octet === 0x22 || octet === 0x5c) return `\\${String.fromCharCode(octet)}`
    return octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : `\\${String(octet).padStart(3, '0')}`
  })
  return `"${shown.join('')}"`
}
