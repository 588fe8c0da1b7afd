import { buildSignature } from '../../../src/standards/dkim/build-signature.ts'
import { readSigningInput } from '../../../src/standards/dkim/signing-input.ts'
import { isSyntaxFault } from '../../../src/standards/fault.ts'
import { scanHeaderSection } from '../../../src/standards/message/header-section.ts'
import { type Domain, parseDomain } from '../../../src/standards/names/domain.ts'
import { type Frame, FrameReader, encodeFrame } from '../../../src/signer/frames.ts'
import {
  decodeAnswer,
  decodeHello,
  decodePolicyChange,
  decodeRequest,
  encodeAnswer,
  encodePolicyChange,
} from '../../../src/signer/wire.ts'
import { type Target, cut, must } from '../target.ts'

/** What a relay, ours or a taken one, hands to the signer to sign. */
export const signingInput: Target = {
  name: 'signing-input',
  weight: 8,
  longest: 30_000,
  seeds: [
    inputOf('From: Ann <ann@acme.example>\r\nTo: c@d.example\r\nSubject: hello\r\n'),
    inputOf('Received: x\r\nReceived: y\r\nFrom: ann@acme.example\r\nList-Id: z\r\nCc: q@d.example\r\n'),
  ],
  words: [
    'from:',
    '\r\nfrom:b@evil.example\r\n',
    'd=evil.example;',
    'h=from:from:',
    'l=1;',
    '; b=',
    'x=',
    't=',
    'dkim-signature:',
    'i=@evil.example;',
  ],
  check(input) {
    const read = readSigningInput(input)
    if (isSyntaxFault(read)) return
    const lines = input.toString('latin1').split('\r\n')
    must(lines.filter((line) => line.startsWith('from:')).length === 1, 'what is signed has one From')
    must(
      lines.at(-1)?.startsWith('dkim-signature:') === true && lines.at(-1)?.endsWith('; b=') === true,
      'it ends in an empty b=',
    )
    must(parseDomain(read.author) === read.author, 'the author domain is one')
    must(
      read.signature.bodyLength === null && read.signature.signedFields[0] === 'from',
      'From is signed and the whole body',
    )
  },
}

/** Frames between relay and signer. */
export const frames: Target = {
  name: 'frames',
  weight: 6,
  longest: 30_000,
  seeds: [
    Buffer.concat([encodeFrame(3, [Buffer.from('abc')]), encodeFrame(4, []), encodeFrame(5, [Buffer.alloc(40)])]),
    encodePolicyChange({ version: 3, grants: [], lostGrants: [], lostKeys: [] }),
    Buffer.concat([
      encodeAnswer(7, { kind: 'refused', reason: 'no' }),
      encodeAnswer(8, { kind: 'signature', signature: Buffer.alloc(9) }),
    ]),
  ].map((frame) => frame.toString('latin1')),
  words: ['\0\0\0\x01\x04', '\0\0\0\0', '\xff\xff\xff\xff', '{}', '[]', 'null', '"version":'],
  check(input, chance) {
    const whole = readFrames([input])
    const pieces = readFrames(cut(input, chance))
    must(shown(whole) === shown(pieces), 'frames do not depend on how the stream is cut')
    for (const payload of [input, ...(whole ?? []).map((frame) => frame.payload)]) {
      decodeHello(payload)
      decodePolicyChange(payload)
      decodeAnswer(payload)
      const request = decodeRequest(payload)
      must(request === null || request.input.length <= payload.length, 'a request is within its frame')
    }
  },
}

function inputOf(text: string): string {
  const section = scanHeaderSection(Buffer.from(text))
  if (isSyntaxFault(section)) throw new Error(section.reason)
  const draft = buildSignature({
    section,
    domain: 'acme.example' as Domain,
    selector: 'ax7',
    algorithm: 'rsa-sha256',
    bodyHash: Buffer.alloc(32, 1),
    signedAt: 1_795_000_000,
  })
  if (isSyntaxFault(draft)) throw new Error(draft.reason)
  return draft.signingInput.toString('latin1')
}

function readFrames(pieces: readonly Buffer[]): readonly Frame[] | null {
  const reader = new FrameReader()
  const found: Frame[] = []
  for (const piece of pieces) {
    const now = reader.push(piece)
    if (now === null) return null
    found.push(...now)
  }
  return found
}

function shown(all: readonly Frame[] | null): string {
  return all === null ? 'beyond repair' : all.map(({ kind, payload }) => `${kind} ${payload.toString('base64')}`).join()
}
