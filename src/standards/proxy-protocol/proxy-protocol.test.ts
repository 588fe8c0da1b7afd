import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { readProxyHeader } from './index.ts'

const signature = '0d0a0d0a000d0a515549540a'

function binary(command: string, family: string, rest: string): Buffer {
  const length = (rest.length / 2).toString(16).padStart(4, '0')
  return Buffer.from(`${signature}${command}${family}${length}${rest}`, 'hex')
}

function reasonOf(input: Buffer | string): string | null {
  const read = readProxyHeader(Buffer.from(input as string, 'latin1'))
  return read !== null && isSyntaxFault(read) ? read.reason : null
}

describe('version 1', () => {
  it.each([
    ['PROXY TCP4 192.0.2.1 198.51.100.1 56324 25\r\n', { address: '192.0.2.1', port: 56_324 }],
    ['PROXY TCP6 2001:DB8::1 2001:db8::2 0 25\r\n', { address: '2001:db8::1', port: 0 }],
    ['PROXY TCP6 ::ffff:192.0.2.1 2001:db8::2 7 25\r\n', { address: '192.0.2.1', port: 7 }],
    ['PROXY UNKNOWN\r\n', null],
    ['PROXY UNKNOWN ffff::1 whatever 1 2\r\n', null],
  ])('%j', (text, client) => {
    expect(readProxyHeader(Buffer.from(`${text}EHLO a\r\n`))).toEqual({ length: text.length, client })
  })

  it.each([
    'PROXY TCP4 192.0.2.1 198.51.100.1 56324\r\n',
    'PROXY TCP4 192.0.2.01 198.51.100.1 1 25\r\n',
    'PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n',
    'PROXY TCP6 192.0.2.1 198.51.100.1 1 25\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 65536 25\r\n',
    'PROXY TCP4 192.0.2.1 198.51.100.1 025 25\r\n',
    'PROXY TCP4  192.0.2.1 198.51.100.1 1 25\r\n',
    'PROXY UDP4 192.0.2.1 198.51.100.1 1 25\r\n',
    'PROXY UNKNOWNS\r\n',
    'proxy TCP4 192.0.2.1 198.51.100.1 1 25\r\n',
    'EHLO client.example\r\n',
    `PROXY TCP6 ${'f'.repeat(200)}`,
  ])('%j is a fault', (text) => {
    expect(reasonOf(text)).not.toBeNull()
  })
})

describe('version 2', () => {
  const four = 'c0000201c6336401dc040019'
  it.each([
    ['TCP over IPv4', binary('21', '11', four), { address: '192.0.2.1', port: 56_324 }],
    [
      'with more behind the addresses',
      binary('21', '11', `${four}030004deadbeef`),
      { address: '192.0.2.1', port: 56_324 },
    ],
    [
      'TCP over IPv6',
      binary('21', '21', `20010db8${'0'.repeat(23)}1${'0'.repeat(32)}00070019`),
      { address: '2001:db8::1', port: 7 },
    ],
    ['LOCAL', binary('20', '00', ''), null],
    ['LOCAL with addresses', binary('20', '11', four), null],
    ['unspecified', binary('21', '00', ''), null],
    ['a Unix socket', binary('21', '31', '00'.repeat(216)), null],
  ])('%s', (_what, header, client) => {
    const input = Buffer.concat([header, Buffer.from('EHLO a\r\n')])
    expect(readProxyHeader(input)).toEqual({ length: header.length, client })
  })

  it.each([
    ['another version', binary('11', '11', four)],
    ['another command', binary('22', '11', four)],
    ['no room for addresses', binary('21', '11', 'c0000201')],
    ['more than any proxy adds', binary('21', '11', '00'.repeat(5000))],
  ])('%s is a fault', (_what, header) => {
    const read = readProxyHeader(header)
    expect(read !== null && isSyntaxFault(read)).toBe(true)
  })
})

it('waits for the rest, and reads the same however it is cut', () => {
  for (const header of [
    Buffer.from('PROXY TCP4 192.0.2.1 198.51.100.1 1 25\r\n'),
    binary('21', '11', 'c0000201c6336401dc040019'),
  ]) {
    for (let at = 0; at < header.length; at++) expect(readProxyHeader(header.subarray(0, at))).toBeNull()
    expect(readProxyHeader(header)).toMatchObject({ length: header.length })
  }
})

it('reads or faults on anything, and never waits for more than 5,000 octets', () => {
  const start = fc.constantFrom(
    Buffer.from(signature, 'hex'),
    Buffer.from('PROXY TCP4 '),
    Buffer.from('PROXY UNKNOWN'),
    Buffer.alloc(0),
  )
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 400 }), (head, tail) => {
      const read = readProxyHeader(Buffer.concat([head, tail, Buffer.alloc(5000)]))
      expect(read).not.toBeNull()
    }),
    { numRuns: 500 },
  )
})
