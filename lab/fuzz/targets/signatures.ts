import { openArcVerification } from '../../../src/standards/arc/index.ts'
import { BodyHashes, type KeyAnswer, openDkimVerification } from '../../../src/standards/dkim/index.ts'
import { isSyntaxFault } from '../../../src/standards/fault.ts'
import { scanHeaderSection } from '../../../src/standards/message/header-section.ts'
import { type Target, must } from '../target.ts'

/** DKIM and ARC verification of whole messages. Whatever they are, nobody has signed them with the key that is found. */
export const signatures: Target = {
  name: 'signatures',
  weight: 8,
  longest: 70_000,
  seeds: [
    'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=acme.example; s=sel; t=1; x=1795600000;\r\n\th=from:to; l=2;\r\n bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\nFrom: ann@acme.example\r\nTo: bob@far.example\r\n\r\nHello  there \r\n\r\n',
    'DKIM-Signature: v=1; a=ed25519-sha256; d=acme.example; s=sel; i=a=3Db@acme.example; q=dns/txt; h=from:from;\r\n bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=; b=AAAA\r\nFrom: ann@acme.example\r\n\r\n',
    'ARC-Seal: i=1; a=rsa-sha256; s=sel; d=acme.example; cv=none; b=AAAA\r\nARC-Message-Signature: i=1; a=ed25519-sha256; c=relaxed/relaxed; d=acme.example; s=sel;\r\n h=From; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=; b=AAAA\r\nARC-Authentication-Results: i=1; hop.example; spf=pass\r\nFrom: ann@acme.example\r\n\r\n',
  ],
  words: [
    'DKIM-Signature:',
    'ARC-Seal:',
    'ARC-Message-Signature:',
    'ARC-Authentication-Results:',
    ' i=2;',
    ' cv=pass;',
    ' l=0;',
    ' c=simple/relaxed;',
    ' a=rsa-sha1;',
    'h=from:',
    ' b=',
    ';',
    '(',
    '\r\n',
    '\r\n ',
    '\r\n\r\n',
  ],
  check(input) {
    const end = input.indexOf('\r\n\r\n')
    const section = scanHeaderSection(end === -1 ? input : input.subarray(0, end + 2))
    if (isSyntaxFault(section)) return
    const bodies = new BodyHashes()
    const dkim = openDkimVerification(section, bodies)
    const arc = openArcVerification(section, bodies)
    const body = end === -1 ? Buffer.alloc(0) : input.subarray(end + 4)
    for (let at = 0; at < body.length; at += 7) bodies.update(body.subarray(at, at + 7))
    const circumstances = { keys: new Map([...dkim.needs, ...arc.needs].map(({ name }) => [name, key])), now: 1 }
    const results = dkim.conclude(circumstances)
    const chain = arc.conclude(circumstances)
    must(!results.some(({ result }) => result === 'pass') && chain.result !== 'pass', 'nobody signed it')
    must(
      results.every(({ uncoveredOctets }) => uncoveredOctets >= 0 && uncoveredOctets <= body.length + 2),
      'no more octets are uncovered than there are',
    )
    must(chain.sets.length <= 50, 'no chain is longer than fifty sets')
  },
}

const key: KeyAnswer = {
  kind: 'found',
  records: ['v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo='],
}
