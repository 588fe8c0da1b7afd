import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sealedResults } from '../../../../lab/world/provider-signatures.ts'
import { readSealedResults } from './authentication-results.ts'

describe('what Exchange Online seals', () => {
  it('of a mailbox', () => {
    const read = readSealedResults(` ${sealedResults.hosted('Acme.Example')}`)
    expect(read).toMatchObject({ authservId: 'mx.microsoft.com', author: 'acme.example', sender: null })
    expect([...read.methods]).toEqual([
      ['spf', 'pass'],
      ['dmarc', 'pass'],
      ['dkim', 'pass'],
      ['arc', 'none'],
    ])
  })

  it('of the consumer service', () => {
    expect(readSealedResults(sealedResults.consumer())).toMatchObject({ author: null, sender: null })
  })

  it('of mail that came by SMTP, folded, with nested comments', () => {
    const text = sealedResults
      .bySmtp('acme.example', '62.212.79.184')
      .replaceAll('; ', ';\r\n\t')
      .replace('(message not signed)', '(message (really) not signed)')
    const read = readSealedResults(text)
    expect(read).toMatchObject({ author: 'acme.example', sender: '62.212.79.184' })
    expect(read.methods.get('dkim')).toBe('none')
  })

  it('names an IPv6 host, and says so where the host is none', () => {
    expect(readSealedResults('mx 1; spf=pass (sender ip is 2001:DB8::1)').sender).toBe('2001:db8::1')
    expect(readSealedResults('mx 1; spf=pass (Sender IP is unknown)').sender).toBe('malformed')
    expect(readSealedResults('mx 1; spf=pass (sender ip is)').sender).toBe('malformed')
  })

  it('takes the first result of a method, and no author out of a comment', () => {
    const read = readSealedResults('mx 1; dmarc=fail; dmarc=pass (header.from=evil.example) header.from=acme.example')
    expect(read.methods.get('dmarc')).toBe('fail')
    expect(read.author).toBe('acme.example')
  })

  it('takes nothing from behind a comment that never ends', () => {
    expect(readSealedResults('mx 1; spf=fail (; spf=pass; dmarc=pass header.from=acme.example').author).toBeNull()
  })
})

it('reads anything, without a throw', () => {
  const word = fc.constantFrom(
    'spf',
    '=',
    'pass',
    ';',
    '(',
    ')',
    ' ',
    '\r\n\t',
    'header.from',
    'sender ip is ',
    '\0',
    '\u{1f600}',
  )
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(word, { maxLength: 60 }).map((words) => words.join('')),
      ),
      (text) => {
        const { sender, author, methods } = readSealedResults(text)
        expect(sender === null || typeof sender === 'string').toBe(true)
        expect(author === null || /^[a-z0-9._-]+$/.test(author)).toBe(true)
        for (const [, result] of methods) expect(result).not.toBe('')
      },
    ),
    { numRuns: 500 },
  )
})

it.each(['(', ')', '()', ';', 'a=', '(sender ip is ', ' '])('takes no longer than the text is for %j', (piece) => {
  const began = performance.now()
  readSealedResults(piece.repeat(100_000))
  expect(performance.now() - began).toBeLessThan(500)
})
