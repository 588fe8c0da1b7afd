import { type Reply, reply } from '../../../standards/smtp/reply.ts'
import { askGate } from '../ask-gate.ts'
import type { IngressFault, ReceivedMessage } from '../gate.ts'
import type { Received } from '../receive-data.ts'
import { type Service, type State, type Step, noTransaction, progress, refuse } from '../step.ts'

/** DATA (RFC 5321 §4.1.1.4): may the message come? */
export function data(state: State, service: Service): Step {
  if (state.transaction === null) return refuse(state, 503, '5.5.1', 'say MAIL first')
  if (state.transaction.forwardPaths.length === 0) return refuse(state, 554, '5.5.1', 'no valid recipients')
  if (!service.options.budget.bytes.hasRoomFor(1)) {
    return refuse(state, 452, '4.3.1', 'too much mail is in flight, please try again')
  }
  return progress(reply(354, null, 'end data with <CR><LF>.<CR><LF>'), state, 'data')
}

/** The end of the data: what becomes of the message. The transaction is over whatever the answer. */
export async function endData(received: Received, state: State, service: Service): Promise<Step> {
  const after = { ...state, ...noTransaction }
  switch (received.kind) {
    case 'message': {
      const heard = await judge(received.message, state, service)
      return { reply: heard, state: after, next: 'command', weight: heard.code < 300 ? 'accepted' : 'progress' }
    }
    case 'fault': {
      const { fault } = received
      const placed = fault.kind === 'line-endings' ? ({ ...fault, where: 'data' } as const) : fault
      const heard = await faultReply(placed, state, service)
      const mustClose = fault.kind === 'line-endings' || !received.drained
      return progress(heard, after, mustClose ? 'close' : 'command')
    }
    case 'no-room': {
      const heard = reply(452, '4.3.1', 'too much mail is in flight, please try again')
      return progress(heard, after, received.drained ? 'command' : 'close')
    }
    case 'stopped': {
      const heard = reply(421, '4.4.2', 'the data came too slowly')
      return progress(heard, after, 'close')
    }
  }
}

function judge(message: ReceivedMessage, { session, transaction }: State, service: Service): Promise<Reply> {
  return askGate(service, 'end of data', async () => {
    if (transaction === null) throw new Error('data without a transaction')
    return await service.gate.onEndOfData(session, transaction, message)
  })
}

function faultReply(fault: IngressFault, { session, transaction }: State, service: Service): Promise<Reply> {
  return askGate(service, fault.kind, () => service.gate.onFault(session, transaction, fault))
}
