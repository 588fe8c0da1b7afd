import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startDnsServer } from '../world/dns-server.ts'
import { run } from '../world/product.ts'
import { entry } from './instance.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'anechoic-verify-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

const zone = {
  'example.com': { TXT: ['v=spf1 ip4:192.0.2.1 -all'] },
  '_dmarc.example.com': { TXT: ['v=DMARC1; p=reject'] },
}
const message = 'From: a@example.com\nSubject: x\n\nhello\n'

type Answer = {
  readonly id?: unknown
  readonly file?: string
  readonly error?: string
  readonly spf?: { readonly result: string }
  readonly dkim?: readonly unknown[]
  readonly arc?: { readonly result: string }
  readonly dmarc?: { readonly result: string; readonly domain: string; readonly policy: string }
}

/** Runs `verify --batch -` on these lines. */
async function batch(
  lines: readonly string[],
): Promise<{ readonly code: number; readonly answers: readonly Answer[] }> {
  const child = spawn(process.execPath, [entry, 'verify', '--batch', '-'], { stdio: ['pipe', 'pipe', 'inherit'] })
  let out = ''
  child.stdout.on('data', (data: Buffer) => {
    out += data.toString()
  })
  child.stdin.end(lines.map((line) => `${line}\n`).join(''))
  const [code] = (await once(child, 'close')) as [number]
  return {
    code,
    answers: out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Answer),
  }
}

describe('verify --batch', () => {
  test('answers each line in turn, and goes on after one that it cannot use', async () => {
    writeFileSync(join(folder, 'message.eml'), message)
    const peer = { ip: '192.0.2.1', helo: 'mail.example.com', mailFrom: 'a@example.com', zone }
    const { code, answers } = await batch([
      JSON.stringify({ id: 'spf', ...peer }),
      JSON.stringify({ id: 2, ...peer, message: Buffer.from(message).toString('base64') }),
      JSON.stringify({ id: 'file', ...peer, ip: '192.0.2.2', file: join(folder, 'message.eml') }),
      'no JSON',
      JSON.stringify({ id: 'ip', ...peer, ip: '1.2.3' }),
      JSON.stringify({ id: 'zone', ...peer, zone: { a: { TXT: 'x' } } }),
      JSON.stringify({ id: 'gone', ...peer, file: join(folder, 'gone.eml') }),
      JSON.stringify({ id: 'base64', ...peer, message: '*' }),
      JSON.stringify({ id: 'nothing', mailFrom: 'a@example.com', zone }),
      '',
      JSON.stringify({ id: 'last', ...peer, mailFrom: '<a@ example.com>' }),
    ])
    expect(code).toBe(1)
    expect(answers.map(({ id }) => id)).toEqual([
      'spf',
      2,
      'file',
      null,
      'ip',
      'zone',
      'gone',
      'base64',
      'nothing',
      'last',
    ])
    const [spf, whole, file, ...others] = answers
    expect(spf).toEqual({ id: 'spf', spf: { result: 'pass', domain: 'example.com', scope: 'mfrom', problem: null } })
    expect(whole).toMatchObject({
      spf: { result: 'pass' },
      dkim: [],
      arc: { result: 'none' },
      dmarc: { result: 'pass', domain: 'example.com', policy: 'reject' },
    })
    expect(file).toMatchObject({ spf: { result: 'fail' }, dmarc: { result: 'fail', policy: 'reject' } })
    const last = others.pop()
    expect(others.every(({ error }) => error !== undefined)).toBe(true)
    expect(last).toMatchObject({ spf: { result: 'pass' } })
  })

  test('answers a line before it has the next one, and exits 0 when all could be used', async () => {
    const child = spawn(process.execPath, [entry, 'verify', '--batch', '-'], { stdio: ['pipe', 'pipe', 'inherit'] })
    child.stdin.write(`${JSON.stringify({ id: 1, ip: '192.0.2.1', mailFrom: 'a@example.com', zone })}\n`)
    const [first] = (await once(child.stdout, 'data')) as [Buffer]
    expect(JSON.parse(first.toString())).toMatchObject({ id: 1, spf: { result: 'pass' } })
    child.stdin.end()
    const [code] = (await once(child, 'close')) as [number]
    expect(code).toBe(0)
  })
})

describe('verify of files', () => {
  test('asks the zone that it is given, and says which file it could not read', async () => {
    const file = join(folder, 'one.eml')
    writeFileSync(file, message)
    writeFileSync(join(folder, 'zone.json'), JSON.stringify(zone))
    const options = [
      '--zone',
      join(folder, 'zone.json'),
      '--ip',
      '192.0.2.1',
      '--mail-from',
      'a@example.com',
      '--now',
      '1667843664',
    ]
    const json = await run([entry, 'verify', file, join(folder, 'gone.eml'), ...options, '--json'], {})
    const answers = json.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Answer)
    expect(json.code).toBe(1)
    expect(answers[0]).toMatchObject({ file, spf: { result: 'pass' }, dmarc: { result: 'pass' } })
    expect(answers[1]?.error).toContain('cannot be read')
    const words = await run([entry, 'verify', file, ...options], {})
    expect(words).toMatchObject({ code: 0, err: '' })
    expect(words.out).toContain('dmarc  pass for example.com, whose policy is reject')
  })

  test('asks the DNS servers of the configuration without a zone', async () => {
    const dns = await startDnsServer(zone)
    const config = join(folder, 'anechoic.yaml')
    writeFileSync(config, `dns: { servers: ["${dns.address}"] }\n`)
    const file = join(folder, 'two.eml')
    writeFileSync(file, message)
    const printed = await run(
      [entry, 'verify', file, '--json', '--config', config, '--ip', '192.0.2.1', '--mail-from', 'a@example.com'],
      {},
    )
    await dns.close()
    expect(JSON.parse(printed.out)).toMatchObject({
      spf: { result: 'pass' },
      dmarc: { result: 'pass', policy: 'reject' },
    })
  })

  test.each([
    [[]],
    [['file.eml', '--batch', '-']],
    [['file.eml', '--now', 'soon']],
    [['file.eml', '--zone', '/gone.json']],
  ])('is wrong use: %j', async (args) => {
    const { code, err } = await run([entry, 'verify', ...args], {})
    expect([code, err !== '']).toEqual([2, true])
  })
})
