import type { Problem } from '../../../standards/yaml/problem.ts'
import type { SourceText, YamlPath } from '../../../standards/yaml/source.ts'
import type { CustomerDraft } from './draft.ts'
import type { CustomerDocument } from './schema.ts'

/** Every pool that a customer or a grant names is one of the configuration; without `known` any name will do. */
export function checkPools(
  source: SourceText,
  drafts: readonly CustomerDraft[],
  known: ReadonlySet<string> | undefined,
): readonly Problem[] {
  if (known === undefined) return []
  const unknown = (pool: CustomerDocument['pool'], path: YamlPath): readonly Problem[] => {
    const named = typeof pool === 'object' ? Object.entries(pool) : pool === undefined ? [] : [[null, pool] as const]
    return named.flatMap(([messageClass, name]) =>
      name === undefined || known.has(name)
        ? []
        : [
            source.problem(
              [...path, 'pool', ...(messageClass === null ? [] : [messageClass])],
              `${name} is no pool of the configuration (delivery.pools)`,
            ),
          ],
    )
  }
  return drafts.flatMap((draft) => [
    ...unknown(draft.pool, draft.path),
    ...draft.grants.flatMap(({ path, value }) => unknown(value.pool, path)),
  ])
}
