import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Dialogue } from './dialogue.ts'

const reply = (code: number, ...lines: string[]) => ({ code, enhanced: null, lines })

function greeted(): Dialogue {
  const dialogue = new Dialogue()
  dialogue.note('connected to 127.0.0.1 port 25')
  dialogue.heard(reply(220, 'mx.example ESMTP'))
  dialogue.said('EHLO relay.example\r\n')
  dialogue.heard(reply(250, 'mx.example', 'PIPELINING', 'SIZE 1000'))
  return dialogue
}

describe('a dialogue', () => {
  it('has how the connection began and the last transaction, line by line', () => {
    const dialogue = greeted()
    for (const to of ['one', 'two']) {
      dialogue.begin()
      dialogue.said(`MAIL FROM:<a@acme.example>\r\nRCPT TO:<${to}@dest.example>\r\nDATA\r\n`)
      dialogue.heard({ code: 250, enhanced: '2.1.0', lines: ['fine'] })
      dialogue.heard({ code: 550, enhanced: '5.1.1', lines: ['nobody', 'here'] })
    }
    expect(dialogue.text().split('\n')).toEqual([
      '-- connected to 127.0.0.1 port 25',
      'S: 220 mx.example ESMTP',
      'C: EHLO relay.example',
      'S: 250-mx.example',
      'S: 250-PIPELINING',
      'S: 250 SIZE 1000',
      'C: MAIL FROM:<a@acme.example>',
      'C: RCPT TO:<two@dest.example>',
      'C: DATA',
      'S: 250 2.1.0 fine',
      'S: 550-5.1.1 nobody',
      'S: 550 5.1.1 here',
    ])
    expect(dialogue.brief()).toMatch(/^-- replies 250 550 within \d+ ms$/)
  })

  it('shows no password, in whichever line it goes', () => {
    const dialogue = greeted()
    dialogue.said('AUTH PLAIN AGNybQBzZWNyZXQ=\r\n')
    dialogue.heard(reply(334, 'UGFzc3dvcmQ6'))
    dialogue.said('c2VjcmV0\r\n')
    dialogue.heard(reply(535, 'no'))
    dialogue.said('MAIL FROM:<a@acme.example>\r\n')
    expect(dialogue.text()).not.toMatch(/AGNybQBzZWNyZXQ|c2VjcmV0/)
    expect(dialogue.text()).toContain(
      'C: AUTH PLAIN (not shown)\nS: 334 UGFzc3dvcmQ6\nC: (not shown)\nS: 535 no\nC: MAIL',
    )
  })

  it('is bounded and printable whatever a server says, and keeps its end', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(
            fc.integer({ min: 200, max: 599 }),
            fc.array(fc.string({ maxLength: 900, unit: 'binary' }), { minLength: 1, maxLength: 40 }),
          ),
          { maxLength: 30 },
        ),
        (replies) => {
          const dialogue = greeted()
          dialogue.begin()
          for (const [code, lines] of replies) dialogue.heard(reply(code, ...lines))
          dialogue.note('the end')
          const text = dialogue.text()
          expect(text.length).toBeLessThanOrEqual(8_192)
          expect(text).toMatch(/^[\x20-\x7e\n]*$/)
          expect(text.startsWith('-- connected')).toBe(true)
          expect(text.endsWith('-- the end')).toBe(true)
        },
      ),
      { numRuns: 15 },
    )
  })
})
