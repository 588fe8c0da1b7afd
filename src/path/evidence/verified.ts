import type { Proof, Verified } from './evidence.ts'

/** The only maker of `Verified` besides the reader of recorded evidence. It stays inside this room. */
export function verified<T>(value: T, proof: Proof): Verified<T> {
  return { value, proof } as Verified<T>
}
