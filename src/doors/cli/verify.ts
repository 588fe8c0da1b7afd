import { Command } from '@commander-js/extra-typings'
import { readFile } from 'node:fs/promises'
import { type ExitCode, exitCodes } from '../../standards/exit-codes.ts'
import { OperationError } from '../operations.ts'
import { readBatchLine } from './batch-line.ts'
import { type Call, type Terminal, configOption, jsonOption } from './call.ts'
import { readLines } from './lines.ts'
import { harmless } from './print.ts'
import type { CaseToVerify, Verification, Verifier } from './verification.ts'

/** A message of the largest size that a relay takes by default, in base64, with a zone beside it. */
const maxLineOctets = 128 * 1024 * 1024

export function verifyCommand(call: Call): Command {
  return new Command('verify')
    .description('check SPF, DKIM, ARC and DMARC of messages, with bare LF read as CRLF')
    .argument('[file...]', 'messages to check')
    .option('--batch <source>', 'read cases as JSON lines from a file, or from standard input with -')
    .option('--ip <address>', 'the address that handed the message over')
    .option('--helo <name>', 'the name that it greeted with')
    .option('--mail-from <address>', 'the address of MAIL FROM; empty for a null reverse-path')
    .option('--zone <file>', 'a JSON table to ask in place of DNS')
    .option('--now <epoch>', 'the time to judge by, in seconds since the epoch')
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText('after', lineFormat)
    .action(async (files, options) => {
      const { batch } = options
      if ((batch === undefined) === (files.length === 0))
        throw new OperationError('usage', 'name messages to check, or cases with --batch')
      const circumstances = {
        ip: options.ip ?? null,
        helo: options.helo ?? '',
        mailFrom: options.mailFrom ?? '',
        zone: options.zone === undefined ? null : await readZoneFile(options.zone),
        now: options.now === undefined ? null : readEpoch(options.now),
      }
      const verifier = await call.powers.verifier(options.config ?? null)
      const code =
        batch === undefined
          ? await verifyFiles(files, circumstances, options.json ?? false, verifier, call.terminal)
          : await verifyBatch(await openBatch(batch, call.terminal), circumstances, verifier, call.terminal)
      call.finish(code)
    }) as unknown as Command
}

const lineFormat = `
A line of --batch is { id, message (base64) | file, ip, helo, mailFrom, zone, now }; without a message it is SPF only. Its answer is
{ id, spf, dkim, arc, dmarc }, or { id, error } for a line that cannot be used; then the exit code is 1. What a line leaves out is as
the options say. A zone is { "name": { "TXT": [...], "A": [...], "AAAA": [...], "MX": [{ "preference", "exchange" }], "PTR": [...],
"CNAME": "...", "otherwise": "TIMEOUT" | "SERVFAIL" } }; a name that is not in it does not exist.`

type Circumstances = Omit<CaseToVerify, 'message'>

/** One object a file, or a few lines for people. A file that cannot be judged is said so, and the rest goes on. */
async function verifyFiles(
  files: readonly string[],
  circumstances: Circumstances,
  json: boolean,
  verifier: Verifier,
  terminal: Terminal,
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.fine
  for (const file of files) {
    const message = await readMessage(file)
    const answer = 'error' in message ? message : await verifier.verify({ ...circumstances, ...message })
    if ('error' in answer) {
      code = exitCodes.findings
      if (!json) terminal.err(`${harmless(file)}: ${harmless(answer.error)}\n`)
    }
    if (json) await terminal.pour(`${JSON.stringify({ file, ...answer })}\n`)
    else if (!('error' in answer)) await terminal.pour(inWords(file, answer))
  }
  return code
}

async function verifyBatch(
  input: AsyncIterable<Buffer>,
  circumstances: Circumstances,
  verifier: Verifier,
  terminal: Terminal,
): Promise<ExitCode> {
  let code: ExitCode = exitCodes.fine
  for await (const line of readLines(input, maxLineOctets)) {
    const answer = line.isTooLong
      ? { id: null, error: `the line is longer than ${maxLineOctets} octets` }
      : await answerLine(line.text, circumstances, verifier)
    if ('error' in answer) code = exitCodes.findings
    await terminal.pour(`${JSON.stringify(answer)}\n`)
  }
  return code
}

async function answerLine(text: string, circumstances: Circumstances, verifier: Verifier): Promise<object> {
  const one = readBatchLine(text)
  if ('error' in one) return one
  const { id, file, message, ip, helo, mailFrom, zone, now } = one
  const read = file === null ? { message } : await readMessage(file)
  if ('error' in read) return { id, ...read }
  if (read.message === null && (ip ?? circumstances.ip) === null)
    return { id, error: 'there is neither a message nor an ip' }
  const answer = await verifier.verify({
    ...read,
    ip: ip ?? circumstances.ip,
    helo: helo ?? circumstances.helo,
    mailFrom: mailFrom ?? circumstances.mailFrom,
    zone: zone ?? circumstances.zone,
    now: now ?? circumstances.now,
  })
  return { id, ...answer }
}

async function readMessage(file: string): Promise<{ readonly message: Buffer } | { readonly error: string }> {
  try {
    return { message: await readFile(file) }
  } catch (error) {
    return { error: `the message cannot be read: ${(error as Error).message}` }
  }
}

async function openBatch(source: string, terminal: Terminal): Promise<AsyncIterable<Buffer>> {
  if (source === '-') return terminal.input()
  const { open } = await import('node:fs/promises')
  try {
    return (await open(source)).createReadStream()
  } catch (error) {
    throw new OperationError('usage', `${source} cannot be read: ${(error as Error).message}`)
  }
}

async function readZoneFile(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw new OperationError('usage', `${file} cannot be read: ${(error as Error).message}`)
  }
}

function readEpoch(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text))
    throw new OperationError('usage', '--now is a whole number of seconds since the epoch')
  return Number(text)
}

function inWords(file: string, { spf, dkim = [], arc, dmarc }: Verification): string {
  const lines = [
    file,
    `  spf    ${spf.result}${about(spf.domain)}${because(spf.problem)}`,
    ...(dkim.length === 0 ? ['  dkim   none'] : []),
    ...dkim.map(({ result, domain, selector, reason }) => {
      const key = domain === null || selector === null ? null : `${selector}._domainkey.${domain}`
      return `  dkim   ${result}${about(key)}${because(result === 'pass' ? null : reason)}`
    }),
    `  arc    ${arc?.result ?? 'none'}${because(arc?.result === 'fail' ? arc.reason : null)}`,
    `  dmarc  ${dmarc?.result ?? 'none'}${about(dmarc?.domain ?? null)}${policyWords(dmarc?.policy ?? null)}${because(dmarc?.problem ?? null)}`,
  ]
  return `${lines.map(harmless).join('\n')}\n`
}

function about(name: string | null): string {
  return name === null ? '' : ` for ${name}`
}

function policyWords(policy: string | null): string {
  return policy === null ? '' : `, whose policy is ${policy}`
}

function because(reason: string | null): string {
  return reason === null ? '' : `: ${reason}`
}
