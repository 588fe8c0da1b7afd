import { describe, expect, it } from 'vitest'
import { FamilyMemory } from './families.ts'
import type { Target } from './targets.ts'

const at = (name: string, address: string): Target => ({ name, address, port: 25 })
const both = [at('a.example', '192.0.2.1'), at('a.example', '192.0.2.2'), at('a.example', '2001:db8::1')]
const [four, , six] = both as [Target, Target, Target]

describe('the order of address families', () => {
  const turns = (memory: FamilyMemory, targets: readonly Target[] = both) =>
    memory.inTurns(targets).map(({ target, connectWithin }) => [target.address, connectWithin])

  it('tries them by turns, IPv6 first and only for a moment while the other waits', () => {
    expect(turns(new FamilyMemory(() => 0))).toEqual([
      ['2001:db8::1', 2000],
      ['192.0.2.1', null],
      ['192.0.2.2', null],
    ])
  })

  it('keeps the order of hosts, and gives a family that is alone all the time', () => {
    const targets = [at('b.example', '192.0.2.9'), ...both, at('c.example', '2001:db8::9')]
    const order = turns(new FamilyMemory(() => 0), targets)
    expect(order[0]).toEqual(['192.0.2.9', null])
    expect(order.at(-1)).toEqual(['2001:db8::9', null])
  })

  it('remembers for a while which family leads there', () => {
    let now = 0
    const memory = new FamilyMemory(() => now)
    memory.failed(six)
    memory.opened(four)
    expect(turns(memory)).toEqual([
      ['192.0.2.1', 2000],
      ['2001:db8::1', 2000],
      ['192.0.2.2', null],
    ])
    now = 600_001
    expect(turns(memory)[0]).toEqual(['2001:db8::1', 2000])
  })

  it('hurries nobody where neither led there, so that a slow host is reached at the next attempt', () => {
    const memory = new FamilyMemory(() => 0)
    memory.failed(six)
    memory.failed(four)
    expect(turns(memory).map(([, within]) => within)).toEqual([null, null, null])
  })
})
