import type { SuppressionAnswer, SuppressionEntry, SuppressionOperations } from '../../doors/operations/suppressions.ts'
import {
  type NewSuppression,
  type Registry,
  type Suppression,
  type SuppressionReason,
  type Suppressions,
  readListedAddress,
  suppressionReasons,
} from '../../rooms/registry/index.ts'
import { readCsv, unguarded } from '../../standards/csv/csv.ts'
import { isSyntaxFault } from '../../standards/fault.ts'

const longestNote = 500
/** Problems told at once: who has more of them has another file in hand. */
const mostProblems = 1000
const mostItems = 1000

export function suppressionOperations(options: {
  readonly registry: Pick<Registry, 'customer'>
  readonly suppressions: Suppressions
}): SuppressionOperations {
  const { registry, suppressions } = options
  const ofCustomer = async <T>(customer: string, work: () => Promise<T>): Promise<T | null> =>
    (await registry.customer(customer)) === null ? null : work()
  const add = async (
    customer: string,
    read: readonly (NewSuppression | string)[],
    { dryRun, by }: { readonly dryRun: boolean; readonly by: string },
  ): Promise<SuppressionAnswer> => {
    const problems = read.filter((one) => typeof one === 'string')
    if (problems.length > 0) return { kind: 'invalid', problems: problems.slice(0, mostProblems) }
    const entries = read.filter((one) => typeof one !== 'string')
    const { added, kept } = await suppressions.add({ customer, entries, author: by, dryRun })
    return { kind: dryRun ? 'planned' : 'done', changed: added, unchanged: kept }
  }
  return {
    suppressions: ({ customer, after, limit, reason }) =>
      ofCustomer(customer, async () => {
        const most = Math.min(Math.max(limit, 1), mostItems)
        const known = reason === null ? null : (reasonNamed(reason) ?? 'none')
        if (known === 'none') return { items: [], next: null }
        const rows = await suppressions.list({ customer, after: openCursor(after), limit: most, reason: known })
        const last = rows.at(-1)
        const next = rows.length < most || last === undefined ? null : cursorAt(last.address)
        return { items: rows.map(shown), next }
      }),
    addSuppressions: ({ customer, entries, ...how }) =>
      ofCustomer(customer, () =>
        add(
          customer,
          entries.map((one) => entryOf(one, null)),
          how,
        ),
      ),
    removeSuppressions: ({ customer, addresses, note, dryRun, by }) =>
      ofCustomer(customer, async () => {
        const read = addresses.map((text) => ({ text, address: readListedAddress(text) }))
        const problems = read.flatMap(({ text, address }) =>
          isSyntaxFault(address) ? [`${text}: ${address.reason}`] : [],
        )
        if (problems.length > 0) return { kind: 'invalid', problems }
        const named = read.flatMap(({ address }) => (isSyntaxFault(address) ? [] : [address]))
        const changed = await suppressions.remove({ customer, addresses: named, author: by, note, dryRun })
        return { kind: dryRun ? 'planned' : 'done', changed, unchanged: named.length - changed }
      }),
    importSuppressions: ({ customer, text, ...how }) => ofCustomer(customer, () => add(customer, entriesIn(text), how)),
  }
}

/** The columns that an exported list has; of a list from elsewhere only the address must be there. */
const columns = ['address', 'reason', 'until', 'note'] as const

/** The entries of a CSV text, or of each that is none what is wrong with it. A first line that names columns says which they are. */
function entriesIn(text: string): readonly (NewSuppression | string)[] {
  const rows = readCsv(text)
  if (isSyntaxFault(rows)) return [rows.reason]
  const [first] = rows
  const named = first?.cells.map((cell) => cell.toLowerCase()) ?? []
  const hasHead = named.includes('address')
  const order = hasHead ? named : columns
  return rows.slice(hasHead ? 1 : 0).map(({ line, cells }) => {
    const cell = (name: (typeof columns)[number]): string => unguarded(cells[order.indexOf(name)] ?? '')
    const until = cell('until')
    const entry = { address: cell('address'), reason: cell('reason'), note: cell('note') }
    return entryOf({ ...entry, until: until === '' ? null : until }, line)
  })
}

function entryOf(entry: SuppressionEntry, line: number | null): NewSuppression | string {
  const wrong = (words: string): string => (line === null ? words : `line ${line}: ${words}`)
  const address = readListedAddress(entry.address.trim())
  if (isSyntaxFault(address)) return wrong(`${entry.address.slice(0, 100)} ${address.reason}`)
  const given = entry.reason ?? ''
  const reason = given === '' ? 'manual' : reasonNamed(given)
  if (reason === null) return wrong(`reason must be one of ${suppressionReasons.join(', ')}`)
  const end = entry.until ?? null
  const until = end === null ? null : Date.parse(end)
  if (Number.isNaN(until)) return wrong(`until must be a moment, as 2027-01-31T00:00:00Z`)
  return { address, reason, note: (entry.note ?? '').slice(0, longestNote), since: null, until }
}

function reasonNamed(text: string): SuppressionReason | null {
  return suppressionReasons.find((one) => one === text.toLowerCase()) ?? null
}

function shown({ address, reason, since, until, note, event, author }: Suppression) {
  const moment = (at: number): string => new Date(at).toISOString()
  return { address, reason, since: moment(since), until: until === null ? null : moment(until), note, event, author }
}

function cursorAt(address: string): string {
  return Buffer.from(address).toString('base64url')
}

function openCursor(cursor: string | null): string | null {
  return cursor === null ? null : Buffer.from(cursor, 'base64url').toString()
}
