import { expect, test } from 'vitest'
import { questionAbout } from './apply.ts'

const planned = { kind: 'planned', version: 4 } as const
const note = 'acme-m365: Microsoft says that acme.example is of tenant 1, but the policy says 2'

test('what only adds is not asked about', () => {
  expect(questionAbout({ ...planned, plan: ['+ grant acme mail -> acme.example'] })).toBeNull()
})

test('a person is asked about what goes, and about a tenant that is new', () => {
  const plan = ['- grant acme mail -> acme.example', '+ source acme m m365', '- source acme old m365']
  expect(questionAbout({ ...planned, plan })).toBe(
    '- grant acme mail -> acme.example\n- source acme old m365\nTake 2 away?',
  )
  expect(questionAbout({ ...planned, plan: ['+ source acme m m365'], notes: [note] })).toBe(
    `${note}\nAdd what was found like this?`,
  )
  expect(questionAbout({ ...planned, plan, notes: [note] })).toMatch(/Take 2 away, and add what was found like this\?$/)
})

test('what others wrote moves no cursor', () => {
  expect(questionAbout({ ...planned, plan: [], notes: ['tenant \u001B[2J'] })).not.toContain('\u001B')
})
