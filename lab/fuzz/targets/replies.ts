import { isSyntaxFault } from '../../../src/standards/fault.ts'
import { parseReplyLine, ReplyReader } from '../../../src/standards/smtp/reply-reader.ts'
import type { Reply } from '../../../src/standards/smtp/reply.ts'
import { formatReply } from '../../../src/standards/smtp/format-reply.ts'
import { type Target, cut, must } from '../target.ts'

/** What a server answers, as it streams in. */
export const replies: Target = {
  name: 'replies',
  weight: 8,
  longest: 30_000,
  seeds: [
    '220 mx.example ESMTP\r\n250-mx.example\r\n250-PIPELINING\r\n250 SIZE 1000\r\n',
    '250 2.1.0 ok\r\n250 2.1.5 ok\r\n354 go on\r\n250 2.0.0 taken\r\n',
    '550-5.7.1 no\r\n550 5.7.1 never\r\n',
    '421\r\n',
    '250 ok\n',
    '451 4.7.0 caf\u00c3\u00a9\r\n',
  ],
  words: ['250-', '250 ', '550', '\r\n', '\n', '5.7.1 ', '2.0.0', '4.99999.1', '600 '],
  check(input, chance) {
    const whole = read([input])
    const pieces = read(cut(input, chance))
    must(whole.faulty === pieces.faulty, 'a fault does not depend on how the stream is cut')
    if (!whole.faulty) must(JSON.stringify(whole.replies) === JSON.stringify(pieces.replies), 'nor do replies')
    for (const one of pieces.replies) {
      must(one.code >= 200 && one.code <= 599 && one.lines.length >= 1 && one.lines.length <= 512, 'a reply is one')
      must(/^(?:[ -~]*\r\n)+$/.test(formatReply(one)), 'the words of a server are escaped where they are passed on')
    }
    parseReplyLine(input.toString('latin1'))
  },
}

function read(pieces: readonly Buffer[]): { readonly faulty: boolean; readonly replies: readonly Reply[] } {
  const reader = new ReplyReader()
  const found: Reply[] = []
  for (const piece of pieces) {
    const now = reader.push(piece)
    if (isSyntaxFault(now)) return { faulty: true, replies: found }
    found.push(...now)
  }
  return { faulty: false, replies: found }
}
