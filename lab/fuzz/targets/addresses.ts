import { isSyntaxFault } from '../../../src/standards/fault.ts'
import { parseMailbox, parseMailboxList } from '../../../src/standards/message/mailbox-list.ts'
import { parseDomain } from '../../../src/standards/names/domain.ts'
import {
  bitsOf,
  formatNetwork,
  networkContains,
  networksOverlap,
  parseIp,
  parseNetwork,
} from '../../../src/standards/names/ip.ts'
import { formatMailbox } from '../../../src/standards/names/mailbox.ts'
import { readPath } from '../../../src/standards/smtp/path.ts'
import { type Target, must } from '../target.ts'

/** The mailboxes of a header field, and a path. */
export const mailbox: Target = {
  name: 'mailbox',
  weight: 12,
  longest: 20_000,
  seeds: [
    'ann@acme.example',
    'Ann <ann@acme.example>',
    '"Ann \\"A\\"" <ann.b@acme.example>',
    'ann@acme.example (Ann)',
    'a@b.example, "c d"@e.example, F <f@g.example>',
    '<"x y"@acme.example>',
    '<@a.example,@b.example:c@d.example>',
    '=?utf-8?Q?a=40b?= <c@d.example>',
    '\u00c3\u00a4nn <\u00c3\u00a4@\u00c3\u00bc.example>',
  ],
  words: [
    '<',
    '>',
    '@',
    '"',
    '\\',
    '(c)',
    ', ',
    'group: a@b.example;',
    '\r\n ',
    '..',
    '.',
    '[192.0.2.1]',
    'xn--nxasmq6b',
  ],
  check(input, chance) {
    const text = input.toString('utf8')
    const grammar = { smtputf8: chance.happens(0.5) }
    const list = parseMailboxList(text, grammar)
    const one = parseMailbox(text, grammar)
    must(isSyntaxFault(one) || !isSyntaxFault(list), 'who is one mailbox is a list too')
    for (const found of isSyntaxFault(list) ? [] : list) {
      must(!/[\0-\x1f\x7f]/.test(found.localPart.replaceAll('\t', '')), 'a local part has no controls')
      const again = parseMailbox(formatMailbox(found), { smtputf8: true })
      must(!isSyntaxFault(again), `a mailbox that is written is a mailbox: ${formatMailbox(found)}`)
      must(
        again.domain === found.domain && again.localPart === found.localPart,
        'a mailbox written and read is the same',
      )
    }
    const path = readPath(text, 0)
    if (!isSyntaxFault(path)) must(path.end <= text.length && text[path.end - 1] === '>', 'a path ends in >')
  },
}

/** Names, addresses of hosts and networks. */
export const names: Target = {
  name: 'names',
  weight: 12,
  longest: 2_000,
  seeds: [
    'acme.example',
    'xn--nxasmq6b.example',
    '\u00c3\u00bcber.example',
    '\u00e3\u0083\u0089\u00e3\u0083\u00a1\u00e3\u0082\u00a4\u00e3\u0083\u00b3.example',
    '_dmarc.acme.example',
    'ACME.Example.',
    '192.0.2.1',
    '192.0.2.0/24',
    '2001:db8::/32',
    '::ffff:192.0.2.1',
    '::',
    '2001:db8:0:0:1:0:0:1/128',
    'fe80::1%eth0',
  ],
  words: [
    'xn--',
    '.',
    '..',
    '-',
    '--',
    '/0',
    '/32',
    '/33',
    '/128',
    '::',
    '0:0',
    'ffff:',
    '255',
    '256',
    '01',
    '\u00ef\u00bc\u008e',
    '\u00e3\u0080\u0082',
    '\u00c3\u009f',
  ],
  check(input) {
    const text = input.toString('utf8')
    const domain = parseDomain(text)
    if (!isSyntaxFault(domain)) {
      must(parseDomain(domain) === domain, 'a domain that was read is read as itself')
      must(/^[a-z0-9_.-]{1,253}$/.test(domain), 'a domain is of letters, digits, hyphens and underscores')
      must(
        parseDomain(`${domain}.`) === domain && parseDomain(domain.toUpperCase()) === domain,
        'case and a last dot are nothing',
      )
    }
    const address = parseIp(text)
    if (!isSyntaxFault(address)) must(parseIp(address) === address, 'an address that was read is read as itself')
    const network = parseNetwork(text)
    if (isSyntaxFault(network)) return
    const written = formatNetwork(network)
    const again = parseNetwork(written)
    must(!isSyntaxFault(again) && formatNetwork(again) === written, 'a network that is written is read as itself')
    must(network.prefix >= 0 && network.prefix <= bitsOf(network.address), 'a prefix is within its family')
    must(networkContains(network, network.address) && networksOverlap(network, again), 'a network holds its address')
  },
}
