import { expect, test } from 'vitest'
import { checkReverseNames } from './reverse-name.ts'

const zone: Readonly<Record<string, readonly string[]>> = {
  '192.0.2.1': ['OUT1.relay.example.'],
  'out1.relay.example': ['192.0.2.1'],
  '192.0.2.2': ['out2.relay.example'],
  'out2.relay.example': ['192.0.2.9'],
  '192.0.2.3': ['out3.relay.example'],
  'out3.relay.example': ['192.0.2.3'],
}
const dns = {
  ptr: async (address: string) =>
    address === '192.0.2.5' ? ({ name: address, trouble: 'timeout' } as const) : (zone[address] ?? []),
  addresses: async (name: string) => zone[name] ?? [],
}

test.each([
  ['192.0.2.1', 'out1.relay.example', null],
  ['192.0.2.2', null, 'its name out2.relay.example does not lead back to it'],
  ['192.0.2.3', null, 'it is out3.relay.example, and says relay.example in EHLO'],
  ['192.0.2.4', null, 'it has no name (PTR): many receivers refuse mail from it'],
  ['192.0.2.5', null, 'its name cannot be looked up: timeout'],
  ['127.0.0.1', null, null],
])('%s', async (address, ehlo, wrong) => {
  const addresses = [{ address, ehlo, weight: 1, warmUp: null }]
  const [found] = await checkReverseNames([{ name: 'default', addresses }], 'relay.example', dns)
  expect(found).toMatchObject({ pool: 'default', address, wrong })
})
