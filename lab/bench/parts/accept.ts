import type { Gate } from '../../../src/path/ingress/index.ts'
import { IngressBudget, startListener } from '../../../src/path/ingress/index.ts'
import { reply } from '../../../src/standards/smtp/reply.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { sendAll } from '../load.ts'
import { startProbe } from '../probe.ts'
import { type Part, measured, quietLog } from './part.ts'

/** Ingress alone: SMTP in, body hashed, 250 at once. */
export const accept: Part = async ({ messages, connections }) => {
  const listener = await startListener(
    {
      name: 'bench',
      host: '127.0.0.1',
      port: 0,
      hostname: 'relay.lab.example',
      tls: null,
      requireTls: false,
      auth: false,
      proxyProtocolFrom: [],
      limits: {
        maxMessageBytes: 52_428_800,
        maxHeaderBytes: 262_144,
        maxHeaderFields: 1000,
        maxRecipients: 500,
        idleTimeoutSeconds: 300,
      },
      budget: new IngressBudget(
        { maxConnections: 2000, maxConnectionsPerClient: 100, bytesInFlight: 536_870_912 },
        systemClock,
      ),
    },
    everythingPasses,
    quietLog,
    systemClock,
  )
  const { port } = listener
  try {
    await sendAll({ port, connections, messages: Math.ceil(messages / 4), withinMs: 60_000 })
    return await measured(messages, [], async () => {
      const probe = await startProbe(port)
      await sendAll({ port, connections, messages, withinMs: 60_000 })
      return probe.stop()
    })
  } finally {
    await listener.close(0)
  }
}

const everythingPasses: Gate = {
  authenticate: () => Promise.resolve(false),
  onMail: () => Promise.resolve(null),
  onRcpt: () => Promise.resolve(null),
  onEndOfData: () => Promise.resolve(reply(250, '2.0.0', '[accepted] taken (0000000000000000)')),
  onFault: () => Promise.resolve(reply(554, '5.6.0', 'a fault')),
}
