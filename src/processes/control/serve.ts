import { readFileSync } from 'node:fs'
import { type RequestListener, type Server, createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Config } from '../../config/index.ts'
import { orFailure } from '../start-failure.ts'
import { whenPortIsFree } from '../waiting.ts'

/** The API's listener. */
export type HttpDoor = {
  readonly address: string
  readonly port: number
  /** Reads the certificate again. Throws, and keeps the old one, when it can't be used. */
  renew(config: Config): void
  close(): void
}

/** Opens it where the configuration says. Throws `StartFailure` when the certificate is unusable or the port can't be had. */
export async function serve(config: Config, firstStart: boolean, handle: RequestListener): Promise<HttpDoor> {
  const { host, port } = config.control
  const server = await whenPortIsFree(`http ${host}:${port}`, firstStart, async () => {
    const fresh = await orFailure('control.tls', () => newServer(config, handle))
    await listening(fresh, host, port)
    return fresh
  })
  const { address, port: taken } = server.address() as AddressInfo
  return {
    address,
    port: taken,
    renew: (next) => {
      if (server instanceof HttpsServer) server.setSecureContext(certificateOf(next))
    },
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function newServer(config: Config, handle: RequestListener): Server | HttpsServer {
  return config.control.tls === null ? createHttpServer(handle) : createHttpsServer(certificateOf(config), handle)
}

function certificateOf({ control }: Config): { readonly cert?: Buffer; readonly key?: Buffer } {
  return control.tls === null ? {} : { cert: readFileSync(control.tls.cert), key: readFileSync(control.tls.key) }
}

function listening(server: Server | HttpsServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      resolve()
    })
  })
}
