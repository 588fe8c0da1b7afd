/** One DER element (X.690 §8.1): its tag octet and where its content lies. */
export type Element = { readonly tag: number; readonly from: number; readonly to: number }

/** The element that starts at `at` and ends no later than `limit`, or null. Single-octet tags and definite lengths, which is all X.509 uses. */
export function elementAt(der: Buffer, at: number, limit: number): Element | null {
  if (at + 2 > limit) return null
  const tag = der[at] ?? 0
  const first = der[at + 1] ?? 0
  if ((tag & 0x1f) === 0x1f) return null
  const lengthOctets = first < 0x80 ? 0 : first & 0x7f
  if (first === 0x80 || lengthOctets > 4 || at + 2 + lengthOctets > limit) return null
  const length = first < 0x80 ? first : der.readUIntBE(at + 2, lengthOctets)
  const from = at + 2 + lengthOctets
  return from + length > limit ? null : { tag, from, to: from + length }
}

/** The elements that fill the content of `parent` exactly, or null. */
export function childrenOf(der: Buffer, parent: Element): readonly Element[] | null {
  const children: Element[] = []
  for (let at = parent.from; at < parent.to;) {
    const child = elementAt(der, at, parent.to)
    if (child === null) return null
    children.push(child)
    at = child.to
  }
  return children
}
