import { isSyntaxFault } from '../../../src/standards/fault.ts'
import { formatMailbox } from '../../../src/standards/names/mailbox.ts'
import { parseCommand, verbOf } from '../../../src/standards/smtp/command.ts'
import { formatReply } from '../../../src/standards/smtp/format-reply.ts'
import { isRefusal } from '../../../src/standards/smtp/parameters.ts'
import { type Path, readPath } from '../../../src/standards/smtp/path.ts'
import { type Target, must } from '../target.ts'

const wireReply = /^(?:[2-5][0-9]{2}-[ -~]*\r\n)*[2-5][0-9]{2} [ -~]*\r\n$/
const plainWord = /^(?:[A-Za-z0-9_.:-]{1,255}|\[[A-Za-z0-9.:-]{1,255}\])$/

/** One command line, without its CRLF. */
export const command: Target = {
  name: 'command',
  weight: 14,
  longest: 20_000,
  seeds: [
    'EHLO plant.acme.example',
    'EHLO [192.0.2.1]',
    'EHLO [IPv6:2001:db8::1]',
    'HELO x',
    'MAIL FROM:<a@b.example> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=QQ314159 AUTH=<> XOORG=acme.example',
    'MAIL FROM:<>',
    'MAIL FROM:<@relay.example,@other.example:a@b.example>',
    'MAIL FROM:<"a b\\"c"@b.example>',
    'RCPT TO:<c@d.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;c+2Bd@d.example',
    'RCPT TO:<postmaster>',
    'RCPT TO:<a@[192.0.2.1]>',
    'RCPT TO:<\u00c3\u00a4@\u00c3\u00bc.example>',
    'AUTH PLAIN AGFAYgBj',
    'AUTH PLAIN =',
    'VRFY someone',
    'BDAT 3 LAST',
    'STARTTLS',
    'DATA',
    'NOOP x',
    'GET / HTTP/1.1',
  ],
  words: [
    'FROM:',
    'TO:',
    '<>',
    'SIZE=',
    'BODY=7BIT',
    'NOTIFY=NEVER',
    'ORCPT=',
    'ENVID=+',
    'SMTPUTF8',
    '[IPv6:',
    'XOORG=',
    'AUTH=',
  ],
  check(input, chance) {
    const offer = { extended: chance.happens(0.9), xoorg: chance.happens(0.5) }
    must(/^[A-Z]{0,10}$/.test(verbOf(input)), 'the first word is letters')
    const read = parseCommand(input, offer)
    if (isRefusal(read)) {
      must(read.refusal.code >= 400, 'a command that is not taken is refused')
      const wire = formatReply(read.refusal)
      must(wireReply.test(wire) && wire.split('\r\n').every((line) => line.length <= 510), 'a reply is lines of ASCII')
      return
    }
    switch (read.verb) {
      case 'EHLO':
      case 'HELO':
        return must(plainWord.test(read.greeting), 'a greeting is a plain word')
      case 'MAIL':
        must(offer.extended || read.parameters.size === null, 'there are no parameters after HELO')
        must(offer.xoorg || read.parameters.xoorg === null, 'XOORG is read only where it is offered')
        return mustReadAgain(read.path)
      case 'RCPT':
        return mustReadAgain(read.path)
      default:
        return
    }
  },
}

/** What was read of a path, written as we would write it, is the same path. */
function mustReadAgain(path: Path): void {
  if (path.kind !== 'mailbox') return
  must(!/[\r\n\0]/.test(path.mailbox.localPart), 'no line ends within a local part')
  const again = readPath(`<${formatMailbox(path.mailbox)}>`, 0)
  must(!isSyntaxFault(again) && again.path.kind === 'mailbox', 'a path that is written is a path')
  must(formatMailbox(again.path.mailbox) === formatMailbox(path.mailbox), 'a path that is written and read is the same')
}
