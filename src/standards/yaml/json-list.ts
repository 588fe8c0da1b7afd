/** The items of a list in a JSON text, and how many keys stand in each and in all of the text. */
export type JsonList = {
  readonly items: readonly { readonly from: number; readonly to: number; readonly keys: number }[]
  readonly keys: number
  /** How deep its objects and arrays are nested. */
  readonly depth: number
}

/** Finds the items of the list under `key` of the root. The text must be valid JSON. */
export function scanJsonList(text: string, key: string): JsonList {
  const items: { from: number; to: number; keys: number }[] = []
  let depth = 0
  let deepest = 0
  let keys = 0
  let keysBefore = 0
  let from = -1
  let inList = false
  let name: string | null = null
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case quote: {
        const end = endOfString(text, at)
        if (inList && depth === 2 && from === -1) [from, keysBefore] = [at, keys]
        if (depth === 1) name = text.slice(at + 1, end)
        at = end
        break
      }
      case colon:
        keys++
        break
      case openBrace:
      case openBracket:
        if (depth === 1 && text.charCodeAt(at) === openBracket && name === key) inList = true
        else if (inList && depth === 2 && from === -1) [from, keysBefore] = [at, keys]
        depth++
        deepest = Math.max(deepest, depth)
        break
      case closeBrace:
      case closeBracket:
      case comma:
        if (text.charCodeAt(at) !== comma) depth--
        if (inList && from !== -1 && depth <= 2 && (text.charCodeAt(at) === comma ? depth === 2 : depth === 1)) {
          items.push({ from, to: at, keys: keys - keysBefore })
          from = -1
        }
        if (depth === 1) inList = false
        break
      case space:
      case lineFeed:
      case carriageReturn:
      case tab:
        break
      default:
        if (inList && depth === 2 && from === -1) [from, keysBefore] = [at, keys]
    }
  }
  return { items, keys, depth: deepest }
}

const [quote, colon, comma] = [0x22, 0x3a, 0x2c]
const [openBrace, closeBrace, openBracket, closeBracket] = [0x7b, 0x7d, 0x5b, 0x5d]
const [space, lineFeed, carriageReturn, tab] = [0x20, 0x0a, 0x0d, 0x09]

/** The quote that ends the string which begins at `at`: one that an even number of backslashes precedes. */
function endOfString(text: string, at: number): number {
  for (let end = text.indexOf('"', at + 1); ; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text[end - 1 - slashes] === '\\') slashes++
    if (slashes % 2 === 0) return end
  }
}
