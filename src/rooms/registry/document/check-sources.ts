import type { Problem } from '../../../standards/yaml/problem.ts'
import type { YamlPath, SourceText } from '../../../standards/yaml/source.ts'
import type { CustomerDraft } from './draft.ts'

/** Ids are unique, and what proves one source proves no other. */
export function checkSources(source: SourceText, drafts: readonly CustomerDraft[]): readonly Problem[] {
  const problems: Problem[] = []
  const customers = new Once(source, problems)
  const tenants = new Once(source, problems)
  const accounts = new Once(source, problems)
  const certificates = new Once(source, problems)
  for (const draft of drafts) {
    customers.take(draft.id, [...draft.path, 'id'], draft.id, () => `there is another customer ${draft.id}`)
    const ids = new Once(source, problems)
    for (const { path, value } of draft.sources) {
      const holder = `source ${value.id} of customer ${draft.id}`
      ids.take(value.id, [...path, 'id'], holder, () => `this customer has another source ${value.id}`)
      switch (value.kind) {
        case 'm365':
          for (const [at, originator] of value.originators.entries()) {
            const pair = `${value.tenant}/${originator}`
            tenants.take(
              pair,
              [...path, 'originators', at],
              holder,
              namedBy(`tenant ${value.tenant} with originator ${originator}`),
            )
          }
          break
        case 'smtp-auth':
          // Case makes no second account: nobody tells CRM@acme from crm@acme.
          accounts.take(
            value.username.toLowerCase(),
            [...path, 'username'],
            holder,
            namedBy(`the account ${value.username}`),
          )
          break
        case 'mtls':
          for (const [at, fingerprint] of value.fingerprints.entries()) {
            certificates.take(fingerprint, [...path, 'fingerprints', at], holder, namedBy('the certificate'))
          }
          break
        case 'google':
          tenants.take(
            `google/${value.workspaceDomain}`,
            [...path, 'workspaceDomain'],
            holder,
            namedBy(`the Workspace ${value.workspaceDomain}`),
          )
          break
        case 'network':
          break
        default:
          value satisfies never
      }
    }
  }
  return problems
}

function namedBy(thing: string): (other: string) => string {
  return (other) => `${thing} is named by ${other} already`
}

/** Things of which each may be held once. */
class Once {
  readonly #source: SourceText
  readonly #problems: Problem[]
  readonly #holders = new Map<string, string>()

  constructor(source: SourceText, problems: Problem[]) {
    this.#source = source
    this.#problems = problems
  }

  take(thing: string, path: YamlPath, holder: string, words: (other: string) => string): void {
    const other = this.#holders.get(thing)
    if (other === undefined) this.#holders.set(thing, holder)
    else this.#problems.push(this.#source.problem(path, words(other)))
  }
}
