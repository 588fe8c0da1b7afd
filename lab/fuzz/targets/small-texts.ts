import { rootCertificates } from 'node:tls'
import { parseDecisionId } from '../../../src/path/decision/decision-id.ts'
import { parseKeyRecord, publicKeyOf } from '../../../src/standards/dkim/key-record.ts'
import { parseSignatureTags } from '../../../src/standards/dkim/signature-tags.ts'
import { parseTagList } from '../../../src/standards/dkim/tag-list.ts'
import { isSyntaxFault } from '../../../src/standards/fault.ts'
import { Secret } from '../../../src/standards/secret.ts'
import { parsePlainResponse } from '../../../src/standards/smtp/auth-plain.ts'
import { escapePeerText } from '../../../src/standards/smtp/format-reply.ts'
import { decodeXtext, encodeXtext } from '../../../src/standards/smtp/xtext.ts'
import { readExtensions } from '../../../src/standards/x509/extensions.ts'
import { type Target, must } from '../target.ts'

/** Tag lists, xtext, AUTH PLAIN responses, decision ids. */
export const smallTexts: Target = {
  name: 'small-texts',
  weight: 8,
  longest: 70_000,
  seeds: [
    'v=1; a=rsa-sha256; c=relaxed/simple; d=acme.example; s=ax7; t=1795000000; x=1795600000; h=from:to; bh=AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=; b=AAAA',
    'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
    'v=DKIM1; k=rsa; h=sha256; s=email; t=y:s; p=',
    'a+2Bb+40c',
    'AGFubkBhY21lLmV4YW1wbGUAc2VjcmV0',
    '01jb3k2m9p4a0000',
  ],
  words: ['=', ';', ' ;', '==', '+', '+0', 'p=', 'v=DKIM1', 'a=', ' \r\n\t', 'd=', '\0'],
  check(input) {
    const text = input.toString('latin1')
    const tags = parseTagList(text)
    if (!isSyntaxFault(tags))
      must(
        [...tags.keys()].every((name) => /^[A-Za-z]\w*$/.test(name)),
        'tags have names',
      )
    parseSignatureTags(text)
    const record = parseKeyRecord(text)
    if (!isSyntaxFault(record)) publicKeyOf(record)
    const decoded = decodeXtext(text)
    if (!isSyntaxFault(decoded))
      must(decodeXtext(encodeXtext(decoded)) === decoded, 'xtext written and read is the same')
    const credentials = parsePlainResponse(new Secret(text))
    if (!isSyntaxFault(credentials)) must(!credentials.username.includes('\0'), 'a username has no NUL')
    const id = parseDecisionId(text)
    must(isSyntaxFault(id) || /^[0-9a-z]{16}$/.test(id), 'a decision id is 16 letters and digits')
    const limit = text.length % 97
    must(
      /^[ -~]*$/.test(escapePeerText(text, limit)) && escapePeerText(text, limit).length <= Math.max(3, limit),
      'escaped text is short ASCII',
    )
  },
}

/** The extensions of a certificate in DER. */
export const certificates: Target = {
  name: 'certificates',
  weight: 3,
  longest: 8_000,
  seeds: rootCertificates
    .slice(0, 4)
    .map((pem) => Buffer.from(pem.replace(/-----[A-Z ]+-----|\s/g, ''), 'base64').toString('latin1')),
  words: [
    '\x30\x80',
    '\x30\x84\xff\xff\xff\xff',
    '\xa3\x82',
    '\x06\x03\x55\x1d\x13',
    '\x06\x03\x55\x1d\x11',
    '\x04\x00',
    '\x30\x00',
    '\x01\x01\xff',
  ],
  check(input) {
    const read = readExtensions(input)
    if (isSyntaxFault(read)) return
    must(
      read.dnsNames.every((name) => name.length <= input.length),
      'names are parts of the certificate',
    )
  },
}
