import { constants } from 'node:crypto'
import type { Socket } from 'node:net'
import { type SecureContext, TLSSocket, createSecureContext } from 'node:tls'
import { presentedChain } from '../../platform/peer-chain.ts'
import type { TlsFacts } from './gate.ts'

/**
 * TLS 1.2 and later, without tickets: a resumed session would come without its certificate chain. `ca` is empty, so that the request
 * for a client certificate names no authority, and nothing that the library thinks of the chain depends on this machine.
 */
export function serverContext(tls: { readonly cert: string | Buffer; readonly key: string | Buffer }): SecureContext {
  return createSecureContext({
    cert: tls.cert,
    key: tls.key,
    ca: [],
    minVersion: 'TLSv1.2',
    honorCipherOrder: true,
    secureOptions: constants.SSL_OP_NO_TICKET | constants.SSL_OP_NO_RENEGOTIATION,
  })
}

/** Does the handshake as server on a socket in clear; null when it fails or takes longer than `timeoutMs`. */
export async function secure(socket: Socket, context: SecureContext, timeoutMs: number): Promise<TLSSocket | null> {
  const secured = new TLSSocket(socket, {
    isServer: true,
    secureContext: context,
    requestCert: true,
    rejectUnauthorized: false,
  })
  secured.allowHalfOpen = true
  return await new Promise((resolve) => {
    const fail = (): void => {
      secured.destroy()
      socket.destroy()
      settle(null)
    }
    const timer = setTimeout(fail, timeoutMs)
    const settle = (result: TLSSocket | null): void => {
      clearTimeout(timer)
      resolve(result)
    }
    // Kept for the life of the socket: a late error without a listener would end the process.
    secured.on('error', fail)
    secured.once('close', fail)
    secured.once('secure', () => settle(secured))
  })
}

export function factsOf(socket: TLSSocket): TlsFacts {
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    cipher: socket.getCipher().standardName,
    clientChain: presentedChain(socket),
  }
}
