import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { Domain } from '../../../standards/names/domain.ts'
import { YamlSource } from '../../../standards/yaml/source.ts'
import { ProfileTable } from './match.ts'
import type { Profiles } from './profiles.ts'
import { builtInProfiles, isProfileProblems, readProfiles } from './read-profiles.ts'

function over(text: string): Profiles {
  const read = readProfiles(text, 'own.yaml')
  if (isProfileProblems(read)) throw new Error(read.problems.join('\n'))
  return read
}

function problemsOf(text: string): readonly string[] {
  const read = readProfiles(text, 'own.yaml')
  return isProfileProblems(read) ? read.problems : []
}

const built = new ProfileTable(builtInProfiles())
const gmail = ['gmail-smtp-in.l.google.com', 'alt1.gmail-smtp-in.l.google.com']

describe('the profiles that come with the program', () => {
  it('have a date, a reason and a source each, and the places that the full parser finds', () => {
    const { fallback, others } = builtInProfiles()
    const source = new YamlSource(readFileSync(new URL('shaping.yaml', import.meta.url), 'utf8'))
    expect(source.problems).toEqual([])
    expect(others.length).toBeGreaterThan(15)
    for (const one of others) expect([one.name, one.date, one.why, one.source]).not.toContain(null)
    for (const one of [fallback, ...others]) {
      for (const [limit, given] of Object.entries(one.limits)) {
        expect(given.from.line, `${one.name} ${limit}`).toBe(source.keyProblem(['profiles', one.name], limit, '').line)
      }
      for (const [replyClass, given] of Object.entries(one.actions)) {
        const { line } = source.keyProblem(['profiles', one.name, 'actions'], replyClass, '')
        expect(given.from.line, `${one.name} ${replyClass}`).toBe(line)
      }
    }
  })

  it.each([
    ['gmail.com', gmail, 'google'],
    ['workspace.example', ['aspmx.l.google.com', 'aspmx2.googlemail.com'], 'google'],
    ['outlook.com', ['outlook-com.olc.protection.outlook.com'], 'microsoft-consumer'],
    ['contoso.example', ['contoso-example.mail.protection.outlook.com'], 'microsoft-365'],
    ['yahoo.com', ['mta5.am0.yahoodns.net'], 'yahoo'],
    ['gmx.de', ['mx00.gmx.net', 'mx01.gmx.net'], 'gmx-webde'],
    ['anything.example', ['mx.anything.example'], 'default'],
    ['evil.example', ['alt1.gmail-smtp-in.l.google.com', 'mx.evil.example'], 'default'],
    ['evil.example', ['mx.notgoogle.com'], 'default'],
    ['icloud.com', ['relay.example'], 'apple'],
  ])('%s at %j is %s', (domain, hosts, name) => {
    expect(built.termsFor(hosts, domain as Domain).profiles[0]?.name).toBe(name)
  })

  it('takes the sites of one receiver as one only by their hosts', () => {
    expect(built.termsFor(gmail, null).oneSite).toBe('google')
    expect(built.termsFor(['mx.example'], 'gmail.com' as Domain).oneSite).toBeNull()
  })
})

describe("the operator's file", () => {
  it('replaces what it says of a name, and leaves the rest', () => {
    const table = new ProfileTable(over('profiles:\n  google:\n    connections: 3\n  default: { rate: 600/m }\n'))
    const { limits } = table.termsFor(gmail, 'gmail.com' as Domain)
    expect(limits.connections).toEqual({ value: 3, from: { profile: 'google', file: 'own.yaml', line: 3 } })
    expect(limits.messagesPerConnection.from).toMatchObject({ profile: 'google', file: 'shaping.yaml (built in)' })
    expect(limits.rate).toEqual({
      value: { messages: 600, per: 60_000 },
      from: { profile: 'default', file: 'own.yaml', line: 4 },
    })
  })

  it('comes before what is built in, by host and by domain', () => {
    const own = new ProfileTable(over('profiles:\n  partner: { domains: [partner.example], connections: 1 }\n'))
    const terms = own.termsFor(gmail, 'partner.example' as Domain)
    expect(terms.profiles.map((one) => one.name)).toEqual(['partner', 'google', 'default'])
    expect([terms.limits.connections.value, terms.limits.idle.value]).toEqual([1, 5000])
    expect(own.termsFor(gmail, 'gmail.com' as Domain).profiles[0]?.name).toBe('google')
  })

  it('is empty without harm', () => {
    expect(problemsOf('')).toEqual([])
  })

  it.each([
    ['profiles:\n  google: { connections: 0 }', 'own.yaml:2:26 profiles.google.connections: must be 1 or more'],
    ['profiles:\n  google: { conections: 5 }', 'own.yaml:2:13 profiles.google.conections: there is no such key'],
    ['profiles:\n  google: { rate: 5/fortnight }', /^own\.yaml:2:19 profiles\.google\.rate: must be none, or messages/],
    ['profiles:\n  nobody: { connections: 5 }', /^own\.yaml:2:3 profiles\.nobody: must name hosts/],
    ['profiles:\n  default: { mx: [a.example] }', /^own\.yaml:2:3 profiles\.default: is for all sites/],
    ['profiles:\n  Big One: { mx: [a.example] }', /^own\.yaml:2:3 profiles\.Big One: must be a name/],
    [
      'profiles:\n  google:\n    actions:\n      rate:\n        - { do: suspend, what: address, replies: 1, within: 1m, for: 1h }',
      'own.yaml:5:50 profiles.google.actions.rate.0.replies: must be 2 or more: one reply is no pattern',
    ],
    ['profiles:\n  google: { actions: { rat: [] } }', /own\.yaml:2:24 profiles\.google\.actions\.rat/],
  ])('%j is refused', (text, problem) => {
    const problems = problemsOf(text)
    expect(problems).toHaveLength(1)
    expect(problems[0]).toMatch(problem)
  })
})
