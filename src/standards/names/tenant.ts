import { type SyntaxFault, syntaxFault } from '../fault.ts'

declare const tenant: unique symbol

/** A Microsoft Entra tenant id: a GUID in lower case. Only `parseTenantId` makes it. */
export type TenantId = string & { readonly [tenant]: true }

const guid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The tenant that holds every consumer mailbox (outlook.com, hotmail.com, live.com): it authenticates nobody in particular. */
export const consumerTenant = '84df9e7f-e9f6-40af-b435-aaaaaaaaaaaa' as TenantId

/** Reads a GUID without regard to case. Nothing around it is tolerated. */
export function parseTenantId(text: string): TenantId | SyntaxFault {
  const lower = text.toLowerCase()
  return guid.test(lower) ? (lower as TenantId) : syntaxFault('the tenant id is not a GUID')
}
