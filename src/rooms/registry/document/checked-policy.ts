import type { CustomerDocument } from './schema.ts'

declare const checked: unique symbol

/**
 * A whole policy in which nothing is wrong. Nothing else can be applied, and only `readPolicy` and the thread in which it reads a long
 * text make one.
 */
export type CheckedPolicy = {
  /** The document of each customer, in JSON as it is stored, by id. */
  readonly documents: ReadonlyMap<string, string>
  /** The same as data, made anew whenever it is asked for. */
  readonly customers: readonly CustomerDocument[]
  readonly [checked]: true
}

export function checkedPolicy(documents: ReadonlyMap<string, string>): CheckedPolicy {
  const policy = {
    documents,
    get customers(): readonly CustomerDocument[] {
      return [...documents.values()].map((document) => JSON.parse(document) as CustomerDocument)
    },
  }
  return policy as unknown as CheckedPolicy
}
