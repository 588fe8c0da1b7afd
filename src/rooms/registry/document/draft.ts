import { z } from 'zod'
import { problemsOf } from '../../../standards/yaml/issues.ts'
import type { Problem } from '../../../standards/yaml/problem.ts'
import type { YamlPath, SourceText } from '../../../standards/yaml/source.ts'
import {
  type CustomerDocument,
  type DomainDocument,
  type GrantDocument,
  type SourceDocument,
  customerHead,
  domainDocument,
  grantDocument,
  sourceDocument,
} from './schema.ts'

/** A part of a policy with its place in the file. */
export type Placed<T> = { readonly path: YamlPath; readonly value: T }

/**
 * A customer of whom everything readable was read, so that the checks across the whole policy can go on where a part is broken.
 * `sourceIds` and `domainNames` hold those of broken parts too: a grant that names one has nothing wrong with it.
 */
export type CustomerDraft = {
  readonly path: YamlPath
  readonly id: string
  readonly name: string
  readonly plan: CustomerDocument['plan']
  readonly suppression: CustomerDocument['suppression']
  readonly pool: CustomerDocument['pool']
  readonly contacts: CustomerDocument['contacts']
  readonly domains: readonly Placed<DomainDocument>[]
  readonly sources: readonly Placed<SourceDocument>[]
  readonly grants: readonly Placed<GrantDocument>[]
  readonly sourceIds: ReadonlySet<string>
  readonly domainNames: ReadonlySet<string>
}

const outline = z.strictObject({ customers: z.array(z.unknown()) })

/** Reads each part by itself; a broken one is left out and told. */
export function readDrafts(source: SourceText): {
  readonly drafts: readonly CustomerDraft[]
  readonly problems: readonly Problem[]
} {
  const problems: Problem[] = []
  const read = <T>(schema: z.ZodType<T>, path: YamlPath, value: unknown): T | null => {
    const result = schema.safeParse(value)
    if (!result.success) problems.push(...problemsOf(source, path, result.error.issues))
    return result.success ? result.data : null
  }
  const top = read(outline, [], source.value ?? {})
  const listed = top?.customers ?? looseList(source.value, 'customers')
  const drafts = listed.flatMap((value, at) => {
    const path = ['customers', at]
    const head = read(customerHead, path, value)
    const parts = <T>(key: 'domains' | 'sources' | 'grants', schema: z.ZodType<T>): readonly Placed<T>[] =>
      looseList(value, key).flatMap((part, position) => {
        const place = [...path, key, position]
        const found = read(schema, place, part)
        return found === null ? [] : [{ path: place, value: found }]
      })
    const grants = parts('grants', grantDocument).map(({ path: place, value: grant }) => ({
      path: place,
      value: withId(grant),
    }))
    const draft = { path, domains: parts('domains', domainDocument), sources: parts('sources', sourceDocument), grants }
    const id = head?.id ?? looseText(value, 'id')
    if (id === null) return []
    return [
      {
        ...draft,
        id,
        name: head?.name ?? id,
        plan: head?.plan ?? 'standard',
        suppression: head?.suppression,
        pool: head?.pool,
        contacts: head?.contacts ?? [],
        sourceIds: new Set(looseList(value, 'sources').flatMap((one) => looseText(one, 'id') ?? [])),
        domainNames: new Set(looseList(value, 'domains').flatMap((one) => looseText(one, 'name') ?? [])),
      },
    ]
  })
  return { drafts, problems }
}

/** The document of a draft in which nothing was broken. */
export function documentOf(draft: CustomerDraft): CustomerDocument {
  return {
    id: draft.id,
    name: draft.name,
    plan: draft.plan,
    ...(draft.suppression === undefined ? {} : { suppression: draft.suppression }),
    ...(draft.pool === undefined ? {} : { pool: draft.pool }),
    contacts: draft.contacts,
    domains: draft.domains.map(({ value }) => value),
    sources: draft.sources.map(({ value }) => value),
    grants: draft.grants.map(({ value }) => value),
  }
}

function withId(grant: z.output<typeof grantDocument>): GrantDocument {
  const { id, ...rest } = grant
  return { id: id ?? grant.source, ...rest }
}

function looseList(value: unknown, key: string): readonly unknown[] {
  const list = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
  return Array.isArray(list) ? list : []
}

function looseText(value: unknown, key: string): string | null {
  const text = typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined
  return typeof text === 'string' ? text : null
}
