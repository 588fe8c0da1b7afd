/** RFC 2047 §2: a charset, an encoding, and up to 75 characters in all; the parts may not hold blanks or question marks. */
const encodedWord = /=\?([!#$%&'+\-0-9A-Z^_`a-z{}~]{1,40})(?:\*[A-Za-z0-9-]{1,20})?\?([BbQq])\?([!->@-~]{0,500})\?=/y
const blanks = /[ \t]+/y

/**
 * The text of an unstructured field with its encoded words decoded (RFC 2047), for the record and for people: at most `maxCharacters`.
 * What cannot be decoded stays as it is. The result is a stranger's text and may hold any character but controls, which become spaces.
 */
export function decodeEncodedWords(text: string, maxCharacters: number): string {
  // Decoding only shrinks (RFC 2047 §4), six to one at the worst, so that what lies beyond cannot show.
  const source = text.slice(0, maxCharacters * 12)
  let out = ''
  let at = 0
  let behindWord = false
  while (at < source.length && out.length < maxCharacters) {
    const word = matchAt(encodedWord, source, at)
    const decoded = word === null ? null : decodeWord(word[1] ?? '', word[2] ?? '', word[3] ?? '')
    if (word !== null && decoded !== null) {
      out += decoded
      at += word[0].length
      behindWord = true
      continue
    }
    const gap = behindWord ? matchAt(blanks, source, at) : null
    // Blanks between two encoded words are not part of the text (RFC 2047 §6.2).
    if (gap !== null && matchAt(encodedWord, source, at + gap[0].length) !== null) {
      at += gap[0].length
      continue
    }
    behindWord = false
    const next = source.indexOf('=?', at + 1)
    const end = next === -1 ? source.length : next
    out += source.slice(at, end)
    at = end
  }
  return out.replace(/[\x00-\x1f\x7f-\x9f]/g, ' ').slice(0, maxCharacters)
}

function decodeWord(charset: string, encoding: string, payload: string): string | null {
  const octets = encoding === 'B' || encoding === 'b' ? Buffer.from(payload, 'base64') : fromQ(payload)
  try {
    return new TextDecoder(charset).decode(octets)
  } catch {
    return null
  }
}

/** RFC 2047 §4.2. */
function fromQ(payload: string): Buffer {
  const text = payload.replace(/_/g, ' ')
  return Buffer.from(
    text.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}

function matchAt(sticky: RegExp, text: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at
  return sticky.exec(text)
}
