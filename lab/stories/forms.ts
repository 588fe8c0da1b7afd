import type { SmtpReply } from '../world/smtp-client.ts'
import type { Played } from './story.ts'

/** The rule that must answer every form of one attack, and its reply code. */
export type Answer = { readonly refused: string; readonly code?: number }

/**
 * Plays one attack in several forms and holds each against the same answer. What was said is the last reply; each form that was
 * answered otherwise is told in `wrong`.
 */
export async function playForms<T>(
  sent: string,
  forms: { readonly [what: string]: T },
  play: (form: T, what: string) => Promise<SmtpReply>,
  answer: Answer,
): Promise<Played> {
  const wrong: string[] = []
  let said: SmtpReply = { code: 0, text: 'nothing was sent' }
  for (const [what, form] of Object.entries(forms)) {
    said = await play(form, what)
    if (said.code !== (answer.code ?? 550) || !said.text.includes(`[${answer.refused}]`))
      wrong.push(`${what}: answered ${said.code} ${said.text}`)
  }
  return { sent: `${sent}, in ${Object.keys(forms).length} forms`, said, wrong }
}
