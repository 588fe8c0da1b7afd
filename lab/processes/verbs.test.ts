import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePort } from '../world/free-port.ts'
import { type SmallWorld, createSmallWorld, plant } from '../drills/small-world.ts'
import { type Printed, run } from '../world/product.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'
import { SmtpClient, type SmtpReply } from '../world/smtp-client.ts'
import { endInstances, entry, startInstance, until } from './instance.ts'

let world: SmallWorld
let config: string
/** Nobody listens there until a test starts a receiver: until then everything waits in the queue. */
let receiverPort: number
let receiver: Receiver | null = null

beforeAll(async () => {
  receiverPort = await freePort()
  world = await createSmallWorld({ deliverToPort: receiverPort })
  config = join(dirname(world.policyFile), 'anechoic.yaml')
}, 60_000)
afterAll(async () => {
  await endInstances()
  await receiver?.close()
  await world.close()
})

/** By the data directory: no address and no token in the environment. */
function here(...args: readonly string[]): Promise<Printed> {
  return run([entry, ...args, '--config', config], { ANECHOIC_URL: '', ANECHOIC_TOKEN: '' })
}

async function jsonHere(...args: readonly string[]): Promise<unknown> {
  const printed = await here(...args, '--json')
  expect(printed.err).toBe('')
  expect(printed.code).toBe(0)
  return JSON.parse(printed.out)
}

async function send(recipient: string, changes: { from?: string; author?: string } = {}): Promise<SmtpReply> {
  const client = await SmtpClient.open({
    host: world.host,
    port: world.smtpPort,
    from: changes.from ?? plant,
    greeting: 'plant.acme.example',
  })
  const author = changes.author ?? 'robot@acme.example'
  const message = `From: <${author}>\r\nTo: <${recipient}>\r\nSubject: a test\r\n\r\nbody\r\n`
  const answer = await client.send({ mailFrom: 'robot@acme.example', recipients: [recipient], message })
  await client.quit()
  return answer
}

const idIn = ({ text }: SmtpReply): string => /\(([0-9a-z]{16})\)$/.exec(text)?.[1] ?? `no id in: ${text}`

type Row = {
  readonly id: string
  readonly state: string
  readonly reason: string | null
  readonly reversePath: string
  readonly recipients: readonly { readonly address: string; readonly lastReply: string | null }[]
}

type Filter = { readonly [name in 'customer' | 'domain' | 'source' | 'destination' | 'reason']?: string }

/** As the command line asks for it, without the cost of a process. */
async function queue(filter: Filter = {}): Promise<readonly Row[]> {
  const { httpUrl, token } = world.product()
  const url = `${httpUrl}/api/v1/queue?${new URLSearchParams(filter).toString()}`
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  return ((await answer.json()) as { readonly items: readonly Row[] }).items
}

describe('verbs with a server', { timeout: 60_000 }, () => {
  test('keys list and domains list have the shapes of the contract, by URL and by data directory alike', async () => {
    const keys = await world.product().json('keys', 'list')
    expect(keys).toEqual([
      {
        domain: 'acme.example',
        source: 'plant',
        selector: expect.stringMatching(/^[a-z0-9-]+$/),
        algorithm: 'rsa-2048',
        state: 'active',
        record: {
          name: expect.stringMatching(/^[a-z0-9-]+\._domainkey\.acme\.example$/),
          type: 'TXT',
          value: expect.stringMatching(/^v=DKIM1;.*p=[A-Za-z0-9+/=]+$/),
        },
        delegation: {
          name: expect.stringMatching(/^[a-z0-9-]+\._domainkey\.acme\.example$/),
          type: 'CNAME',
          value: expect.stringMatching(/^[a-z0-9-]+\.acme\.example\.dkim\.relay\.lab\.example$/),
        },
        toDo: null,
      },
    ])
    expect(await jsonHere('keys', 'list')).toEqual(keys)
    const checked = await world.product().json('keys', 'check')
    expect(checked).toEqual([{ ...(keys as object[])[0], seen: true, fine: true, because: expect.any(String) }])

    const domains = await world.product().json('domains', 'list')
    expect(domains).toContainEqual({
      domain: 'acme.example',
      customer: 'acme',
      proof: 'asserted',
      state: 'asserted',
      since: null,
      lapses: expect.any(String),
      lookedAt: null,
      seenAt: null,
      trouble: null,
      returnPath: null,
      record: {
        name: '_anechoic-challenge.acme.example',
        type: 'TXT',
        value: expect.stringMatching(/^anechoic-challenge=\S+$/),
      },
    })
  })

  test('export gives what applies again to an empty plan; a dry run tells the plan and changes nothing', async () => {
    const exported = (await here('export')).out
    const file = join(dirname(config), 'exported.yaml')
    writeFileSync(file, exported)
    expect(await jsonHere('apply', file, '--dry-run')).toEqual({
      kind: 'planned',
      version: expect.any(Number),
      plan: [],
    })
    writeFileSync(file, exported.replace('- acme.example', '- acme.example\n          - more.example'))
    const broken = await here('apply', file)
    expect(broken).toMatchObject({ code: 2, out: '' })
    expect(broken.err).toMatch(/^\S+exported\.yaml:\d+:\d+ customers\.0\.grants\.0\.domains\.1: /)

    const more = readFileSync(world.policyFile, 'utf8').replace(
      '    sources:',
      '      - { name: more.example, proof: asserted, approvedBy: admin@relay.lab.example, reason: a test }\n    sources:',
    )
    writeFileSync(
      file,
      more.replace('domains: [acme.example], classes', 'domains: [acme.example, more.example], classes'),
    )
    const planned = await here('apply', file, '--dry-run')
    expect(planned).toMatchObject({ code: 0, err: '' })
    expect(planned.out).toMatch(/^\+ domain acme more\.example/m)
    expect(planned.out).toContain('dry run: nothing was changed\n')
    expect((await here('export')).out).toBe(exported)
  })

  test('what is typed wrongly is exit 2, with the nearest verb', async () => {
    const wrong = await here('aply', 'file')
    expect(wrong).toMatchObject({ code: 2, out: '' })
    expect(wrong.err).toContain('Did you mean apply?')
    expect(await here('queue', 'hold')).toMatchObject({ code: 2 })
    expect(await here('keys', 'list', '--colour')).toMatchObject({ code: 2 })
    expect(await here('apply', join(dirname(config), 'absent.yaml'))).toMatchObject({ code: 2 })
  })

  test('a wrong token, a server that is away, an address that would carry the token in clear: exit 2 and why', async () => {
    const ask = (url: string, token: string): Promise<Printed> =>
      run([entry, 'keys', 'list'], { ANECHOIC_URL: url, ANECHOIC_TOKEN: token })
    const url = world.product().httpUrl
    const wrong = await ask(url, 'not-the-token-of-this-server')
    expect(wrong).toMatchObject({ code: 2, out: '' })
    expect(wrong.err).toContain('valid token')
    expect(wrong.err).not.toContain('not-the-token')
    const away = await ask(`http://127.0.0.1:${receiverPort}`, 'any')
    expect(away).toMatchObject({ code: 2, out: '' })
    expect(away.err).toMatch(/does not answer: .*ECONNREFUSED/)
    expect(await ask(url, '')).toMatchObject({ code: 2, err: 'ANECHOIC_URL is set: set ANECHOIC_TOKEN too\n' })
    const clear = await ask('http://relay.example', 'secret')
    expect(clear).toMatchObject({ code: 2, out: '' })
    expect(clear.err).toContain('https')
  })

  test('why explains a refusal from the moment its reply left, and judges it again to the same', async () => {
    const refused = await send('reader@dest.example', { author: 'boss@globex.example' })
    expect(refused).toMatchObject({ code: 550 })
    const id = idIn(refused)
    const told = await world.product().json('why', id, '--replay')
    expect(told).toMatchObject({
      id,
      verdict: 'refuse',
      rule: 'domain-not-owned',
      reply: expect.stringContaining(`[domain-not-owned]`),
      replay: { verdict: 'refuse', rule: 'domain-not-owned', same: true },
    })
    const words = await here('why', id)
    expect(words).toMatchObject({ code: 0, err: '' })
    expect(words.out).toContain('globex.example')
    for (const junk of ['0000000000000000', 'no id', '../../etc/passwd']) {
      expect(await here('why', junk)).toMatchObject({ code: 1, out: '' })
    }
  })

  test('seen list tells who was refused, in the shape of the contract', async () => {
    const seen = (await jsonHere('seen', 'list')) as readonly { readonly refusedBy: object }[]
    expect(seen).toContainEqual({
      id: expect.any(String),
      customer: 'acme',
      kind: 'network',
      tenant: null,
      tenantDomains: [],
      originator: null,
      class: 'hosted',
      connectingHost: plant,
      authorDomains: ['globex.example'],
      count: 1,
      firstSeen: expect.stringMatching(/Z$/),
      lastSeen: expect.stringMatching(/Z$/),
      samples: [expect.any(String)],
      refusedBy: { 'domain-not-owned': 1 },
      relation: expect.stringMatching(/^(own|related|unknown)$/),
    })
    expect(await jsonHere('seen', 'list', '--customer', 'nobody')).toEqual([])
  })
})

describe('the queue', () => {
  let ids: readonly string[]
  beforeAll(async () => {
    const answers = []
    for (const name of ['one', 'two', 'three', 'four']) answers.push(await send(`reader@${name}.example`))
    expect(answers.map(({ code }) => code)).toEqual([250, 250, 250, 250])
    ids = answers.map(idIn)
    await until(async () => (await queue()).every((row) => row.recipients[0]?.lastReply !== null), 'the first attempts')
  })

  test('filters, each alone and together', async () => {
    expect((await queue()).map((row) => row.id)).toEqual(ids)
    expect((await queue({ destination: 'two.example' })).map((row) => row.id)).toEqual([ids[1]])
    expect(await queue({ customer: 'acme', source: 'plant', domain: 'acme.example' })).toHaveLength(4)
    for (const filter of ['customer', 'source', 'domain', 'destination'])
      expect(await queue({ [filter]: 'nobody.example' })).toEqual([])
    expect(await queue({ reason: 'ECONNREFUSED' })).toHaveLength(4)
    expect(await queue({ reason: 'no such words' })).toEqual([])
    const filters = ['--customer', 'acme', '--source', 'plant', '--domain', 'acme.example', '--reason', 'ECONNREFUSED']
    const listed = (await jsonHere('queue', 'list', ...filters, '--destination', 'two.example')) as readonly Row[]
    expect(listed.map((row) => row.id)).toEqual([ids[1]])
  })

  test('show has the envelope, the header section and what happened', async () => {
    expect(await jsonHere('queue', 'show', ids[0] ?? '')).toMatchObject({
      id: ids[0],
      state: 'queued',
      customer: 'acme',
      source: 'plant',
      domain: 'acme.example',
      reversePath: 'robot@acme.example',
      recipients: [{ address: 'reader@one.example', state: 'pending' }],
      header: expect.stringContaining('Subject: a test'),
    })
    expect(await here('queue', 'show', '0000000000000000')).toMatchObject({ code: 1, out: '' })
  })

  test('hold and release, one and by filter; never the whole queue by mistake', async () => {
    const [one = '', two = ''] = ids
    expect(await jsonHere('queue', 'hold', one, '--reason', 'looks odd')).toMatchObject({ done: 'hold', ids: [one] })
    expect(await queue({ reason: 'looks odd' })).toMatchObject([{ id: one, state: 'held', reason: 'looks odd' }])
    expect(await jsonHere('queue', 'hold', '--destination', 'two.example', '--dry-run')).toMatchObject({
      would: 'hold',
      ids: [two],
    })
    expect(await queue({ destination: 'two.example' })).toMatchObject([{ state: 'queued' }])
    expect(await here('queue', 'hold')).toMatchObject({ code: 2, out: '' })
    expect(await jsonHere('queue', 'release', '--reason', 'looks odd')).toEqual({
      done: 'release',
      count: 1,
      ids: [one],
      skipped: 0,
      why: {},
    })
    expect(await queue({ destination: 'one.example' })).toMatchObject([{ state: 'queued' }])
    expect(await here('queue', 'release', one)).toMatchObject({ code: 1 })
    expect(await here('queue', 'hold', 'junk')).toMatchObject({ code: 1 })
  })

  test('cancel asks first, and then the sender hears of it', async () => {
    const id = ids[3] ?? ''
    const unsure = await here('queue', 'cancel', id)
    expect(unsure).toMatchObject({ code: 2, out: '' })
    expect(unsure.err).toContain('--yes')
    expect(await jsonHere('queue', 'cancel', id, '--yes')).toMatchObject({ done: 'cancel', ids: [id] })
    const rows = await queue()
    expect(rows.map((row) => row.id)).not.toContain(id)
    expect(rows).toContainEqual(
      expect.objectContaining({
        reversePath: '<>',
        recipients: [expect.objectContaining({ address: 'robot@acme.example' })],
      }),
    )
    expect(await jsonHere('why', id)).toMatchObject({
      events: expect.arrayContaining([expect.objectContaining({ kind: 'cancelled' })]),
    })
  })

  test('revoking is live within a second: the next message is refused, what is queued is held', async () => {
    const original = readFileSync(world.policyFile, 'utf8')
    const file = join(dirname(config), 'revoked.yaml')
    writeFileSync(file, original.slice(0, original.indexOf('    grants:')))
    const applied = await here('apply', file)
    const at = performance.now()
    expect(applied).toMatchObject({ code: 0, err: '' })
    expect(applied.out).toMatch(/^- grant acme /m)
    let taken = 3
    const isRefused = async (): Promise<boolean> => {
      const answer = await send('late@five.example')
      if (answer.code === 250) taken += 1
      return answer.text.includes('[tenant-not-authorised]')
    }
    await until(isRefused, 'the refusal', 5_000)
    // A second on a machine that has nothing else to do.
    expect(performance.now() - at).toBeLessThan(4_000)
    await until(async () => (await queue({ customer: 'acme' })).every((row) => row.state === 'held'), 'the holds')
    expect(await queue({ customer: 'acme', reason: 'tenant-not-authorised' })).toHaveLength(taken)
    expect(await here('apply', world.policyFile)).toMatchObject({ code: 0 })
  })
})

describe('HTTP', () => {
  const ask = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(new URL(path, world.product().httpUrl), init)
  const bearer = (): { authorization: string } => ({ authorization: `Bearer ${world.product().token}` })

  test('nothing of the API is answered without a token', async () => {
    for (const path of ['policy', 'domains', 'seen', 'keys', 'queue', 'decisions/0000000000000000', 'anything']) {
      const answer = await ask(`/api/v1/${path}`)
      expect(answer.status, path).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(await answer.json()).toMatchObject({ type: 'about:blank', status: 401, detail: expect.any(String) })
    }
    const wrong = await ask('/api/v1/keys', { headers: { authorization: 'Bearer nonsense' } })
    expect(wrong.status).toBe(401)
  })

  test('problems say what to do', async () => {
    const absent = await ask('/api/v1/nothing', { headers: bearer() })
    expect(absent.status).toBe(404)
    expect(await absent.json()).toMatchObject({ status: 404, title: 'Not found' })
    const headers = { ...bearer(), 'content-type': 'application/json' }
    const malformed = await ask('/api/v1/policy', { method: 'PUT', headers, body: '{"text":' })
    expect(malformed.status).toBe(400)
    const invalid = await ask('/api/v1/policy', {
      method: 'PUT',
      headers,
      body: JSON.stringify({ text: 'colour: red' }),
    })
    expect(invalid.status).toBe(422)
    expect(await invalid.json()).toMatchObject({
      problems: expect.arrayContaining(['policy.yaml:1:1 colour: there is no such key']),
    })
  })

  test('a problem names its field, and the document describes the resource', async () => {
    const headers = { ...bearer(), 'content-type': 'application/json' }
    const wrong = await ask('/api/v1/queue/0000000000000000/bounce', {
      method: 'POST',
      headers,
      body: JSON.stringify({ reason: 'why', status: '4.1.1' }),
    })
    expect(wrong.status).toBe(400)
    expect(await wrong.json()).toMatchObject({ errors: [{ path: 'status', message: expect.any(String) }] })
    const whole = await ask('/api/v1/queue', {
      method: 'POST',
      headers,
      body: JSON.stringify({ filter: {}, action: { verb: 'cancel' } }),
    })
    expect(whole.status).toBe(400)
    expect(await whole.json()).toMatchObject({ errors: [{ path: 'filter' }] })
    const document = (await (await ask('/api/v1/openapi.json', { headers: bearer() })).json()) as { paths: object }
    expect(Object.keys(document.paths)).toEqual(
      expect.arrayContaining(['/queue', '/queue/counts', '/queue/{id}/reroute', '/decisions/{id}', '/events']),
    )
  })

  test('what happens is sent as it happens', async () => {
    const stop = new AbortController()
    const stream = await ask('/api/v1/events', { headers: bearer(), signal: stop.signal })
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/)
    let heard = ''
    const reading = (async () => {
      for await (const chunk of stream.body ?? []) heard += Buffer.from(chunk).toString()
    })().catch(() => undefined)
    const refused = await send('reader@dest.example', { author: 'boss@globex.example' })
    await until(() => heard.includes(idIn(refused)) && heard.includes('event: counts'), 'the events')
    expect(heard).toMatch(/^retry: \d+\n\n/)
    expect(heard).toMatch(/^id: [0-9a-z]+-\d+\nevent: message\ndata: \{.*"kind":"decision"/m)
    stop.abort()
    await reading
  })

  test('health, readiness and the page of a rule need no token', async () => {
    expect(await (await ask('/healthz')).text()).toBe('ok')
    expect((await ask('/readyz')).status).toBe(200)
    const page = await ask('/refused/tenant-not-authorised')
    expect(page.status).toBe(200)
    const text = await page.text()
    expect(text).toContain('550 5.7.1 [tenant-not-authorised]')
    expect(text).not.toMatch(/acme|globex|<script/)
    expect((await ask('/refused/no-such-rule')).status).toBe(404)
    const hostile = await ask(`/refused/${encodeURIComponent('<script>alert(1)</script>')}`)
    expect(hostile.status).toBe(404)
    expect(await hostile.text()).not.toContain('<script>')
  })

  test('a body that is too large is refused, declared or not', async () => {
    const pieces = Array.from({ length: 65 }, () => Buffer.alloc(1024, 0x20))
    const init = { method: 'POST', headers: { ...bearer(), 'content-type': 'application/json' } }
    const path = '/api/v1/queue/0000000000000000/hold'
    expect((await ask(path, { ...init, body: Buffer.concat(pieces) })).status).toBe(413)
    const streamed = await ask(path, { ...init, body: ReadableStream.from(pieces), duplex: 'half' } as RequestInit)
    expect(streamed.status).toBe(413)
    expect(await streamed.json()).toMatchObject({ status: 413, title: 'Too large' })
  })

  test('no secret is in the log', () => {
    const wrapping = readFileSync(join(dirname(config), 'data', 'wrapping.key'), 'utf8').trim()
    const local = (
      JSON.parse(readFileSync(join(dirname(config), 'data', 'run/control.json'), 'utf8')) as { readonly token: string }
    ).token
    for (const secret of [world.product().token, wrapping, local]) expect(world.product().log()).not.toContain(secret)
  })
})

describe('verbs without a server', { timeout: 90_000 }, () => {
  test('work on the stores; what is cancelled then ends at the next start, and the token of the first start still holds', async () => {
    const token = world.product().token
    const keys = await jsonHere('keys', 'list')
    const refused = await send('reader@dest.example', { author: 'boss@globex.example' })
    expect(await world.product().stop()).toBe(0)

    expect(await jsonHere('keys', 'list')).toEqual(keys)
    expect(await jsonHere('why', idIn(refused), '--replay')).toMatchObject({ replay: { same: true } })
    expect(await jsonHere('seen', 'list')).toMatchObject([{ refusedBy: { 'domain-not-owned': 3 } }])

    const rows = (await jsonHere('queue', 'list', '--customer', 'acme')) as readonly Row[]
    const [first = '', second = '', third = ''] = rows.map((row) => row.id)
    expect(await jsonHere('queue', 'release', first)).toMatchObject({ ids: [first] })
    expect(await jsonHere('queue', 'cancel', second, '--yes')).toMatchObject({ ids: [second] })
    expect(await jsonHere('queue', 'hold', third, '--because', 'seen by hand')).toMatchObject({ ids: [third] })
    expect(await jsonHere('queue', 'list', '--reason', 'seen by hand')).toMatchObject([{ id: third, state: 'held' }])
    expect(await jsonHere('apply', world.policyFile)).toMatchObject({ kind: 'applied', plan: [] })

    receiver = await startReceiver({ zone: world.zone, name: 'mx.dest.example', port: receiverPort })
    const next = startInstance({ config })
    await next.ready
    const arrived = (recipient: string): boolean =>
      receiver?.arrivals.some((arrival) => arrival.recipients.includes(recipient)) ?? false
    await until(
      () => arrived('reader@one.example') && arrived('robot@acme.example'),
      'what was released, and the reports',
    )
    const listed = await run([entry, 'queue', 'list', '--json'], {
      ANECHOIC_URL: `http://127.0.0.1:${next.port('http')}`,
      ANECHOIC_TOKEN: token,
    })
    expect(JSON.parse(listed.out)).toContainEqual(expect.objectContaining({ id: third, state: 'held' }))
    next.signal('SIGTERM')
    expect(await next.ended).toBe(0)
  })
})
