import { draftFor, requestFor } from '../../../src/signer/request.fixture.ts'
import { openWorkshop } from '../../houses/delivery.ts'
import { type Part, concurrently, measured } from './part.ts'

/** The signer alone, through its real pipe: the draft of the signature field, the seal, the check by the signer, RSA-2048, the field completed. */
export const sign: Part = async ({ messages, connections }) => {
  const workshop = await openWorkshop()
  const { signer, sealKey } = workshop
  const one = async (): Promise<void> => {
    const draft = draftFor({ header, selector: 'rsa-1' })
    const answer = await signer.sign(requestFor(sealKey, draft))
    if (answer.kind !== 'signature') throw new Error(`the signer answered ${answer.kind}: ${answer.reason}`)
    draft.complete(answer.signature)
  }
  try {
    await concurrently(Math.ceil(messages / 4), connections, one)
    return await measured(messages, [signer.pid ?? 0], () => concurrently(messages, connections, one))
  } finally {
    await workshop.close()
  }
}

const header =
  'From: Alice <alice@acme.example>\r\nTo: bob@dest.example\r\nSubject: hello\r\nDate: Tue, 24 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@acme.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n'
