import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { allowsMx, parseMtaStsPolicy, parseMtaStsRecords } from './index.ts'

const fault = expect.objectContaining({ fault: 'syntax' })

describe('the TXT record', () => {
  it('names the version of the policy', () => {
    expect(parseMtaStsRecords(['v=STSv1; id=20160831085700Z;'])).toEqual({ id: '20160831085700Z' })
    expect(parseMtaStsRecords(['v=STSv1;id=a1'])).toEqual({ id: 'a1' })
    expect(parseMtaStsRecords(['something else', 'v=STSv1; id=7; new=x'])).toEqual({ id: '7' })
  })

  it('is none where there is no record of version 1, or more than one', () => {
    for (const texts of [[], ['v=STSv2; id=1;'], ['v=STSv1'], ['v=STSv1; id=1;', 'v=STSv1; id=2;']]) {
      expect(parseMtaStsRecords(texts)).toBe(null)
    }
  })

  it('is a fault where its id is not 1 to 32 letters and digits', () => {
    for (const text of ['v=STSv1;', 'v=STSv1; id=;', 'v=STSv1; id=a-b;', `v=STSv1; id=${'a'.repeat(33)};`]) {
      expect(parseMtaStsRecords([text]), text).toEqual(fault)
    }
    expect(parseMtaStsRecords(['v=STSv1; id=1; id=2'])).toEqual(fault)
  })
})

const enforcing = 'version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\nmax_age: 604800\r\n'

describe('the policy', () => {
  it('is read with either line end', () => {
    const policy = { mode: 'enforce', maxAge: 604_800, mx: ['mail.example.com', '*.example.net'] }
    expect(parseMtaStsPolicy(enforcing)).toEqual(policy)
    expect(parseMtaStsPolicy(enforcing.replaceAll('\r\n', '\n'))).toEqual(policy)
  })

  it('may name no server where its mode is none', () => {
    expect(parseMtaStsPolicy('version: STSv1\nmode: none\nmax_age: 86400')).toMatchObject({ mode: 'none', mx: [] })
    expect(parseMtaStsPolicy('version: STSv1\nmode: testing\nmax_age: 86400')).toEqual(fault)
  })

  it('passes over unknown fields and takes the first of a repeated one', () => {
    const text = `${enforcing}mode: none\nfuture_field: some: thing\nmax_age: 1\n`
    expect(parseMtaStsPolicy(text)).toMatchObject({ mode: 'enforce', maxAge: 604_800 })
  })

  it('is kept for a year at most', () => {
    expect(parseMtaStsPolicy(enforcing.replace('604800', '9999999999'))).toMatchObject({ maxAge: 31_557_600 })
  })

  it('is a fault where a part is missing or malformed', () => {
    for (const text of [
      '',
      '<html>not found</html>',
      enforcing.replace('STSv1', 'STSv2'),
      enforcing.replace('enforce', 'Enforce'),
      enforcing.replace('604800', '-1'),
      enforcing.replace('max_age: 604800\r\n', ''),
      enforcing.replace('*.example.net', '*.*.example.net'),
      enforcing.replace('*.example.net', 'a b'),
      `${enforcing}${'#'.repeat(70_000)}`,
    ]) {
      expect(parseMtaStsPolicy(text), text.slice(0, 80)).toEqual(fault)
    }
  })

  it('never throws, whatever it is given', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const read = parseMtaStsPolicy(`version: STSv1\n${text}`)
        return isSyntaxFault(read) || read.mx.length > 0 || read.mode === 'none'
      }),
      { numRuns: 200 },
    )
  })
})

describe('a mail server', () => {
  it('is allowed by its own name, or by one label in place of the star', () => {
    const policy = parseMtaStsPolicy(enforcing)
    if (isSyntaxFault(policy)) throw new Error(policy.reason)
    for (const host of ['mail.example.com', 'MAIL.example.com', 'a.example.net']) {
      expect(allowsMx(policy, host), host).toBe(true)
    }
    for (const host of ['example.com', 'example.net', 'a.b.example.net', 'mail.example.com.evil.example', 'net']) {
      expect(allowsMx(policy, host), host).toBe(false)
    }
  })
})
