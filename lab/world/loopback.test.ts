import { describe, expect, test } from 'vitest'
import { mustBeLoopback, mustStayOnLoopback } from './loopback.ts'
import { SmtpClient } from './smtp-client.ts'
import { createWorld } from './world.ts'

describe('the lab talks to this machine only', () => {
  test.each(['127.0.0.1', '127.0.0.66', '127.255.255.254', '::1'])('%s is taken', (address) => {
    expect(() => mustBeLoopback(address)).not.toThrow()
  })

  test.each([
    '198.51.100.7',
    '10.0.0.1',
    '192.168.1.1',
    '0.0.0.0',
    '::',
    '::ffff:198.51.100.7',
    '2001:db8::1',
    '128.0.0.1',
    '127.0.0.1.example.com',
    '127.1',
    '127.0.0.999',
    'localhost',
    'mx.receiver.example',
    '',
  ])('%s is refused', (address) => {
    expect(() => mustBeLoopback(address)).toThrow('the lab refuses')
  })

  test('a sender neither goes to nor comes from another address', async () => {
    const common = { port: 25, greeting: 'vps.example' }
    await expect(SmtpClient.open({ ...common, host: '198.51.100.7', from: '127.0.0.66' })).rejects.toThrow(
      'the lab refuses 198.51.100.7',
    )
    await expect(SmtpClient.open({ ...common, host: '127.0.0.1', from: '198.51.100.7' })).rejects.toThrow(
      'the lab refuses 198.51.100.7',
    )
  })

  test.each([
    [{ deliverTo: { host: '198.51.100.7', port: 25 } }, '198.51.100.7'],
    [{ configuration: { dns: { servers: ['198.51.100.53:53'] } } }, '198.51.100.53'],
    [{ configuration: { delivery: { routes: [] } } }, 'to deliver by MX'],
  ])('no world goes elsewhere: %j', async (options, refused) => {
    await expect(createWorld(options)).rejects.toMatchObject({
      cause: { message: expect.stringContaining(`the lab refuses ${refused}`) as string },
    })
  })
})

describe('a configuration stays on loopback', () => {
  const dns = { servers: ['127.0.0.1:5353'] }
  const everywhere = { domain: '*', host: '127.0.0.1', port: 2526 }

  test('when every host in it does', () => {
    expect(() => mustStayOnLoopback({ dns, delivery: { routes: [everywhere] } })).not.toThrow()
  })

  test.each([
    ['the system DNS servers', { delivery: { routes: [everywhere] } }],
    ['delivery by MX', { dns }],
    ['a route for one domain alone', { dns, delivery: { routes: [{ ...everywhere, domain: 'receiver.example' }] } }],
    [
      'a second route off loopback',
      { dns, delivery: { routes: [everywhere, { domain: 'a.example', host: 'mx.a.example' }] } },
    ],
    ['a listener off loopback', { dns, delivery: { routes: [everywhere] }, listeners: [{ host: '0.0.0.0' }] }],
    ['a console off loopback', { dns, delivery: { routes: [everywhere] }, control: { host: '::' } }],
  ])('not with %s', (_what, configuration) => {
    expect(() => mustStayOnLoopback(configuration)).toThrow('the lab refuses')
  })
})
