import { type DnsTrouble, type Inquiry, ask, isAskable, isDnsTrouble } from '../dns/inquiry.ts'
import { isSyntaxFault } from '../fault.ts'
import type { Domain } from '../names/domain.ts'
import { type DmarcRecord, isDmarcRecord, parseDmarcRecord } from './record.ts'

/** A record and the domain that it was published for. */
export type FoundRecord = { readonly domain: Domain; readonly record: DmarcRecord }

/** What a walk found, longest name first. `trouble`: DNS did not answer, and nothing is known of the names above. */
export type Walk = { readonly found: readonly FoundRecord[]; readonly trouble: DnsTrouble | null }

/** RFC 9989 §4.10: names of more labels are cut to this many, so that a walk has at most eight queries. */
const labelsAfterTheFirst = 7

/** Records of one message by name: walks from related names share most of their way. */
export type RecordMemory = Map<Domain, DmarcRecord | DnsTrouble | null>

/** Looks for records from a domain up to its top-level domain (RFC 9989 §4.10). */
export function* walkTree(start: Domain, memory: RecordMemory): Inquiry<Walk> {
  const found: FoundRecord[] = []
  let domain: Domain | null = start
  while (domain !== null) {
    const record: DmarcRecord | DnsTrouble | null = yield* recordOf(domain, memory)
    if (isDnsTrouble(record)) return { found, trouble: record }
    if (record !== null) {
      found.push({ domain, record })
      if (record.publicSuffix !== 'u') break
    }
    domain = above(domain)
  }
  return { found, trouble: null }
}

function above(domain: Domain): Domain | null {
  const labels = domain.split('.').slice(1)
  return labels.length === 0 ? null : (labels.slice(-labelsAfterTheFirst).join('.') as Domain)
}

/** The one record of a domain. Several are as none, and so is one that is no tag list (RFC 9989 §4.10 steps 2 and 6). */
export function* recordOf(domain: Domain, memory: RecordMemory): Inquiry<DmarcRecord | DnsTrouble | null> {
  const known = memory.get(domain)
  if (known !== undefined) return known
  const record = yield* fetchRecord(`_dmarc.${domain}`)
  memory.set(domain, record)
  return record
}

function* fetchRecord(name: string): Inquiry<DmarcRecord | DnsTrouble | null> {
  if (!isAskable(name)) return null
  const answer = yield* ask('TXT', name)
  if (isDnsTrouble(answer)) return answer
  const [text, second] = answer.records.map((record) => record.trim()).filter(isDmarcRecord)
  if (text === undefined || second !== undefined) return null
  const record = parseDmarcRecord(text)
  return isSyntaxFault(record) ? null : record
}

/** The Organizational Domain of the domain that a whole walk started at (RFC 9989 §4.10.2). */
export function organizationalDomain(start: Domain, found: readonly FoundRecord[]): Domain {
  for (const { domain, record } of found) {
    if (record.publicSuffix === 'n') return domain
    if (record.publicSuffix === 'y' && domain !== start) {
      return start
        .split('.')
        .slice(-domain.split('.').length - 1)
        .join('.') as Domain
    }
  }
  return found.at(-1)?.domain ?? start
}
