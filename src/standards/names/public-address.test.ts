import { expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { parseIp } from './ip.ts'
import { isPublicAddress } from './public-address.ts'

const isPublic = (text: string): boolean => {
  const address = parseIp(text)
  if (isSyntaxFault(address)) throw new Error(address.reason)
  return isPublicAddress(address)
}

it.each(['8.8.8.8', '172.15.255.255', '172.32.0.1', '198.20.0.1', '2606:4700::1111'])('%s is public', (text) => {
  expect(isPublic(text)).toBe(true)
})

it.each([
  '127.0.0.1',
  '10.1.2.3',
  '169.254.169.254',
  '172.31.0.1',
  '192.168.1.1',
  '::1',
  '::ffff:10.0.0.1',
  'fd00::1',
  'fe80::1',
  '255.255.255.255',
  '0.0.0.0',
])('%s is not', (text) => {
  expect(isPublic(text)).toBe(false)
})
