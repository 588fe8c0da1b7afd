import { expect, test } from 'vitest'
import { type IpAddress, parseIp } from '../../standards/names/ip.ts'
import { IngressBudget } from './budget.ts'

const limits = { maxConnections: 3, maxConnectionsPerClient: 2, bytesInFlight: 100 }

function ip(text: string): IpAddress {
  const address = parseIp(text)
  if (typeof address !== 'string') throw new Error(text)
  return address
}

test('connections are counted by address, and by /64 of IPv6', () => {
  const { connections } = new IngressBudget({ ...limits, maxConnections: 100 }, { now: () => 0 })
  expect(connections.tryEnter(ip('2001:db8::1'))).toBe(true)
  expect(connections.tryEnter(ip('2001:db8:0:0:ffff::2'))).toBe(true)
  expect(connections.tryEnter(ip('2001:db8::3:4'))).toBe(false)
  expect(connections.tryEnter(ip('2001:db8:0:1::1'))).toBe(true)
  expect(connections.tryEnter(ip('::1'))).toBe(true)
  expect(connections.tryEnter(ip('192.0.2.1'))).toBe(true)
  connections.leave(ip('2001:db8::1'))
  expect(connections.tryEnter(ip('2001:db8::3:4'))).toBe(true)
  expect(connections.total).toBe(5)
})

test('the total counts whoever they are', () => {
  const { connections } = new IngressBudget(limits, { now: () => 0 })
  for (const text of ['192.0.2.1', '192.0.2.2', '192.0.2.3']) expect(connections.tryEnter(ip(text))).toBe(true)
  expect(connections.tryEnter(ip('192.0.2.4'))).toBe(false)
})

test('waiting for room ends when octets come back, or with the time', async () => {
  const { bytes } = new IngressBudget(limits, { now: () => 0 })
  bytes.take(150)
  expect(await bytes.whenRoom(5)).toBe(false)
  const waiting = [bytes.whenRoom(10_000), bytes.whenRoom(10_000)]
  bytes.giveBack(20)
  bytes.giveBack(30)
  expect(await Promise.all(waiting)).toEqual([true, true])
  expect(await bytes.whenRoom(0)).toBe(true)
})

test('failed authentications bar a client for a while, and are forgotten', () => {
  let now = 0
  const { authFailures } = new IngressBudget(limits, { now: () => now })
  const client = ip('192.0.2.1')
  for (let count = 0; count < 29; count++) authFailures.record(client)
  expect(authFailures.isBarred(client)).toBe(false)
  authFailures.record(client)
  expect(authFailures.isBarred(client)).toBe(true)
  expect(authFailures.isBarred(ip('192.0.2.2'))).toBe(false)
  now = 600_001
  expect(authFailures.isBarred(client)).toBe(false)
})

test('new limits hold for what comes next', () => {
  const budget = new IngressBudget(limits, { now: () => 0 })
  budget.bytes.take(90)
  budget.update({ ...limits, maxConnections: 0, bytesInFlight: 50 })
  expect(budget.bytes.hasRoomFor(0)).toBe(false)
  expect(budget.connections.tryEnter(ip('192.0.2.1'))).toBe(false)
})
