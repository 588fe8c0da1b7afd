import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { type SyntaxFault, isSyntaxFault, syntaxFault } from '../../../standards/fault.ts'
import { replyClasses } from '../../../standards/smtp/reply-patterns.ts'
import { parseDuration } from '../../../standards/yaml/duration.ts'
import { domainField, durationField, parsed, positiveInteger } from '../../../standards/yaml/fields.ts'
import { readYaml } from '../../../standards/yaml/issues.ts'
import { readPlainYaml } from '../../../standards/yaml/plain.ts'
import { type Problem, formatProblem } from '../../../standards/yaml/problem.ts'
import { YamlSource } from '../../../standards/yaml/source.ts'
import type { Given, Limits, Origin, Profile, Profiles, Rate } from './profiles.ts'

/** The name of the profile that says what none of the others says. */
const fallbackName = 'default'
const builtInFile = 'shaping.yaml (built in)'

const rateField = parsed((text): Rate | null | SyntaxFault => {
  if (text === 'none') return null
  const [, messages = '', count = '', unit = ''] = /^([1-9][0-9]{0,8})\/([1-9][0-9]{0,5})?(s|m|h|d)$/.exec(text) ?? []
  const per = parseDuration(`${count === '' ? '1' : count}${unit}`)
  if (messages === '' || isSyntaxFault(per))
    return syntaxFault('must be none, or messages in a time: 10/s, 600/m, 100/15m')
  return { messages: Number(messages), per }
})

/** `0%` to `100%`, from 0 to 1. */
const partField = parsed((text): number | SyntaxFault => {
  const percent = /^([0-9]{1,3})%$/.exec(text)?.[1]
  return percent === undefined || Number(percent) > 100 ? syntaxFault('must be 0% to 100%') : Number(percent) / 100
})

const threshold = {
  replies: z.int().min(2, 'must be 2 or more: one reply is no pattern').max(1000, 'must be at most 1000'),
  within: durationField,
  share: partField.prefault('0%'),
  permanent: z.boolean().prefault(false),
  domains: z.int().min(1, 'must be 1 to 100').max(100, 'must be 1 to 100').prefault(1),
}
const step = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('retry'), after: durationField, times: positiveInteger.prefault(3) }),
  z.strictObject({
    do: z.literal('slow'),
    ...threshold,
    factor: partField.refine((part) => part > 0 && part < 1, 'must be 1% to 99%'),
    least: partField.refine((part) => part > 0 && part < 1, 'must be 1% to 99%').prefault('5%'),
    for: durationField,
    steps: positiveInteger.max(100, 'must be at most 100').prefault(4),
  }),
  z
    .strictObject({
      do: z.literal('suspend'),
      what: z.enum(['address', 'customer', 'source']),
      ...threshold,
      for: durationField,
      most: durationField.optional(),
    })
    .transform((one) => ({ ...one, most: Math.max(one.for, one.most ?? one.for) })),
  z.strictObject({ do: z.literal('bounce'), temporary: z.boolean().prefault(false) }),
])

const text = z.string().min(1, 'is empty').max(500, 'is longer than 500 characters')
const said = {
  date: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, 'must be a date like 2026-11-24, in quotes')
    .optional(),
  why: text.optional(),
  source: text.optional(),
  connections: positiveInteger.optional(),
  messagesPerConnection: positiveInteger.optional(),
  rate: rateField.optional(),
  idle: durationField.optional(),
  replies: z.array(z.strictObject({ says: text, class: z.enum(replyClasses) })).optional(),
  actions: z.partialRecord(z.enum(replyClasses), z.array(step)).optional(),
}
const profile = z.strictObject({
  mx: z.array(domainField).optional(),
  domains: z.array(domainField).optional(),
  oneSite: z.boolean().optional(),
  ...said,
})
const schema = z.strictObject({
  profiles: z.record(z.string(), profile),
})

type Written = z.output<typeof schema>['profiles'][string]
const limitNames = ['connections', 'messagesPerConnection', 'rate', 'idle'] as const satisfies readonly (keyof Limits)[]

let builtIn: ReadonlyMap<string, Profile> | null = null

/** The profiles that come with the program. */
export function builtInProfiles(): Profiles {
  return split(builtInMap())
}

/**
 * The profiles with those of a file of the operator's laid over them: what it says of a name that is built in replaces that alone.
 * `shown` names the file in problems, each `FILE:LINE:COLUMN path: message`.
 */
export function readProfiles(content: string, shown: string): Profiles | { readonly problems: readonly string[] } {
  const read = ownMap(content, shown)
  if ('problems' in read) return { problems: read.problems.map((problem) => formatProblem(shown, problem)) }
  const merged = new Map(builtInMap())
  for (const [name, own] of read) {
    const known = merged.get(name)
    merged.set(name, known === undefined ? own : laidOver(own, known))
  }
  return split(merged)
}

/** Read once, in the way of plain files: the full parser would take a part of a second from each start. */
function builtInMap(): ReadonlyMap<string, Profile> {
  if (builtIn !== null) return builtIn
  const content = readFileSync(new URL('shaping.yaml', import.meta.url), 'utf8')
  const written = schema.parse(readPlainYaml(content)?.value).profiles
  const lines = content.split('\n')
  builtIn = new Map(
    Object.entries(written).map(([name, one]) => [
      name,
      profileOf(name, one, { own: false, file: builtInFile, lineOf: (path) => lineIn(lines, path) }),
    ]),
  )
  return builtIn
}

/** The line, from 1, of a key in a file whose mappings are all in block form, two blanks deeper at each level. */
function lineIn(lines: readonly string[], path: readonly string[]): number {
  let at = 0
  path.forEach((key, depth) => {
    const start = `${'  '.repeat(depth)}${key}:`
    while (at < lines.length && lines[at] !== start && lines[at]?.startsWith(`${start} `) !== true) at++
  })
  return at + 1
}

function split(all: ReadonlyMap<string, Profile>): Profiles {
  const fallback = all.get(fallbackName)
  if (fallback === undefined) throw new Error(`there is no profile ${fallbackName}`)
  return { fallback, others: [...all.values()].filter((one) => one !== fallback) }
}

function ownMap(
  content: string,
  file: string,
): ReadonlyMap<string, Profile> | { readonly problems: readonly Problem[] } {
  const source = new YamlSource(content)
  const read = readYaml(source, schema, { profiles: {} })
  if ('problems' in read) return read
  const named = Object.entries(read.value.profiles)
  const problems = named.flatMap(([name, written]) => placeProblems(source, name, written))
  if (problems.length > 0) return { problems }
  const lineOf = (path: readonly string[]) => source.keyProblem(path.slice(0, -1), path.at(-1) ?? '', '').line
  return new Map(named.map(([name, written]) => [name, profileOf(name, written, { own: true, file, lineOf })]))
}

/** The fallback is for everybody; any other must say for whom it is, unless that is built in. */
function placeProblems(source: YamlSource, name: string, written: Written): readonly Problem[] {
  const named = [...(written.mx ?? []), ...(written.domains ?? [])].length > 0
  const complain = (message: string) => [source.keyProblem(['profiles'], name, message)]
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(name)) {
    return complain('must be a name of lower-case letters, digits and hyphens, at most 64')
  }
  if (name === fallbackName) {
    return named || written.oneSite !== undefined ? complain('is for all sites: it can name none') : []
  }
  return named || builtInMap().has(name)
    ? []
    : complain('must name hosts (mx) or recipient domains (domains): no profile of that name is built in')
}

type Where = { readonly own: boolean; readonly file: string; readonly lineOf: (path: readonly string[]) => number }

function profileOf(name: string, written: Written, { own, file, lineOf }: Where): Profile {
  const from = (...path: readonly string[]): Origin => ({
    profile: name,
    file,
    line: lineOf(['profiles', name, ...path]),
  })
  const limits: { [Name in keyof Limits]?: Given<Limits[Name]> } = {}
  for (const limit of limitNames) {
    const value = written[limit]
    if (value !== undefined) Object.assign(limits, { [limit]: { value, from: from(limit) } })
  }
  const actions = Object.entries(written.actions ?? {}).map(([replyClass, value]) => [
    replyClass,
    { value, from: from('actions', replyClass) },
  ])
  const replies = written.replies?.map((one) => ({ says: one.says.toLowerCase(), class: one.class }))
  return {
    name,
    own,
    mx: written.mx ?? [],
    domains: written.domains ?? [],
    oneSite: written.oneSite ?? false,
    date: written.date ?? null,
    why: written.why ?? null,
    source: written.source ?? null,
    limits,
    replies: replies === undefined ? null : { value: replies, from: from('replies') },
    actions: Object.fromEntries(actions) as Profile['actions'],
  }
}

function laidOver(own: Profile, known: Profile): Profile {
  return {
    ...known,
    mx: own.mx.length > 0 ? own.mx : known.mx,
    domains: own.domains.length > 0 ? own.domains : known.domains,
    oneSite: own.oneSite || known.oneSite,
    date: own.date ?? known.date,
    why: own.why ?? known.why,
    source: own.source ?? known.source,
    limits: { ...known.limits, ...own.limits },
    replies: own.replies ?? known.replies,
    actions: { ...known.actions, ...own.actions },
  }
}

export type ProfileProblems = { readonly problems: readonly string[] }

export function isProfileProblems(read: Profiles | ProfileProblems): read is ProfileProblems {
  return 'problems' in read
}
