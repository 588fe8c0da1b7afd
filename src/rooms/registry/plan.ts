import { isDeepStrictEqual } from 'node:util'
import type { CustomerDocument, DomainDocument, GrantDocument, SourceDocument } from './document/schema.ts'

type Part = { readonly key: string; readonly words: string; readonly value: object }

/**
 * What changes from one policy to another, a line for each thing: `+ grant acme acme-m365 -> acme.example`, `-` for what goes, `~` for
 * what stays and differs, with the names of what differs. Empty when nothing does.
 */
export function planLines(
  before: ReadonlyMap<string, CustomerDocument>,
  after: ReadonlyMap<string, CustomerDocument>,
): readonly string[] {
  const ids = [...new Set([...before.keys(), ...after.keys()])].toSorted()
  return ids.flatMap((id) => customerLines(before.get(id) ?? null, after.get(id) ?? null))
}

function customerLines(before: CustomerDocument | null, after: CustomerDocument | null): readonly string[] {
  if (isDeepStrictEqual(before, after)) return []
  const sections = [heads, domains, sources, grants]
  return sections.flatMap((section) =>
    lines(before === null ? [] : section(before), after === null ? [] : section(after)),
  )
}

function lines(before: readonly Part[], after: readonly Part[]): readonly string[] {
  const old = new Map(before.map((part) => [part.key, part]))
  const kept = new Set(after.map((part) => part.key))
  const gone = before.filter((part) => !kept.has(part.key)).map((part) => `- ${part.words}`)
  const come = after.flatMap((part) => {
    const was = old.get(part.key)
    if (was === undefined) return [`+ ${part.words}`]
    const fields = differences(was.value, part.value)
    return fields.length === 0 ? [] : [`~ ${part.words} (${fields.join(', ')})`]
  })
  return [...gone, ...come]
}

function heads(customer: CustomerDocument): readonly Part[] {
  const { id, name, plan, suppression, pool, contacts } = customer
  return [{ key: id, words: `customer ${id}`, value: { name, plan, suppression, pool, contacts } }]
}

function domains(customer: CustomerDocument): readonly Part[] {
  return customer.domains.map((domain: DomainDocument) => ({
    key: domain.name,
    words: `domain ${customer.id} ${domain.name}`,
    value: domain,
  }))
}

function sources(customer: CustomerDocument): readonly Part[] {
  return customer.sources.map((source: SourceDocument) => ({
    key: `${source.id} ${source.kind}`,
    words: `source ${customer.id} ${source.id} ${source.kind}`,
    value: source,
  }))
}

/** Another source or other domains are another right: that shows as one grant taken away and one given. */
function grants(customer: CustomerDocument): readonly Part[] {
  return customer.grants.map((grant: GrantDocument) => ({
    key: JSON.stringify([grant.id, grant.source, grant.domains.toSorted()]),
    words: `grant ${customer.id} ${grant.source} -> ${grant.domains.join(', ')}`,
    value: grant,
  }))
}

function differences(before: object, after: object): readonly string[] {
  const [a, b] = [before as Record<string, unknown>, after as Record<string, unknown>]
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].filter((key) => !isDeepStrictEqual(a[key], b[key]))
}
