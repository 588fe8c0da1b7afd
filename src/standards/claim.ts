/**
 * What a peer said, and where it said it. A claim is never enough for a permission: only the evidence room turns
 * facts it checked itself into `Verified`.
 */
export type Claimed<T> = {
  readonly claimed: T
  readonly where: 'greeting' | 'envelope' | 'header' | 'certificate'
}

export function claimed<T>(value: T, where: Claimed<T>['where']): Claimed<T> {
  return { claimed: value, where }
}
