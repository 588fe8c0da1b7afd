import { type HeaderRow, addedRows, brokenRows, neverAddedRows, refusedRows, removedRows } from './header-table.ts'

/** The text of `docs/headers.md`. */
export function headerDocument(): string {
  return `# What becomes of the header section

<!-- Written from src/path/delivery/outbound/header-table.ts; change it there, then run its test with UPDATE=1. -->

A message is stored as it came. Just before the wire its header section goes through this table from top to bottom, and the signature
is made over what comes out. Nothing is re-flowed, re-ordered or written anew: a field goes out as it came, or not at all. Names are
compared without regard to case. Which fields were taken out of a message is in the ledger.

## 1. Refused before anything is stored

${table(['rule', 'field', 'why'], refusedRows)}

## 2. Taken out

${table(['row', 'field', 'why'], removedRows)}

The same fields are taken out of mail over a connection that proves no provider; there nobody reads them first. A name that a reader
could take for one of these by its letters and digits goes too: ${lookAlikes()}, whatever stands between the letters.

## 3. Taken out because of 2

${table(['row', 'field', 'why'], Object.values(brokenRows))}

Exchange Online's own DKIM signature names \`X-MS-Exchange-SenderADCheck\`, so it always goes. A signature that names none of the fields
taken out stays, whoever made it: it is the author's, and a receiver checks it for itself.

## 4. Kept

Everything else, octet for octet and in its order: From and the other fields of the author, \`Received\`, list fields, other signatures,
whole ARC sets, fields of other platforms. Nothing of it is vouched for beyond what the signature covers.

## 5. Put on top

${table(['row', 'field', 'why'], addedRows)}

## 6. Never put on

${table(['row', 'field', 'why'], neverAddedRows)}
`
}

function table(head: readonly string[], rows: readonly HeaderRow[]): string {
  const lines = rows.map((row) => `| \`${row.id}\` | ${fieldsOf(row)} | ${row.because} |`)
  return [`| ${head.join(' | ')} |`, '|---|---|---|', ...lines].join('\n')
}

function fieldsOf({ names, what }: HeaderRow): string {
  const named = names.map((name) => `\`${name}\``).join(', ')
  return [named, what].filter((part) => part !== undefined && part !== '').join(': ')
}

function lookAlikes(): string {
  return removedRows
    .flatMap((row) => row.lookAlikes ?? [])
    .map((letters) => `\`${letters}…\``)
    .join(', ')
}
