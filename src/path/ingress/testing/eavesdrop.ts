import { type AddressInfo, connect, createServer } from 'node:net'

/** A wire between client and server that keeps what the server said. */
export type Eavesdropper = { readonly port: number; readonly heard: () => Buffer; readonly close: () => void }

export async function eavesdrop(port: number): Promise<Eavesdropper> {
  const heard: Buffer[] = []
  const server = createServer((near) => {
    const far = connect({ port, host: '127.0.0.1' })
    far.on('data', (chunk: Buffer) => heard.push(chunk))
    near.pipe(far).pipe(near)
    near.on('error', () => far.destroy())
    far.on('error', () => near.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    heard: () => Buffer.concat(heard),
    close: () => server.close(),
  }
}

/** The CertificateRequest of a TLS 1.2 handshake, which is said in clear (RFC 5246 §7.4.4), from a stream that starts with TLS records. */
export function certificateRequestIn(stream: Buffer): { readonly authorities: Buffer } | null {
  const handshake: Buffer[] = []
  for (let at = 0; at + 5 <= stream.length && stream[at] === 22; at += 5 + stream.readUInt16BE(at + 3)) {
    handshake.push(stream.subarray(at + 5, at + 5 + stream.readUInt16BE(at + 3)))
  }
  const messages = Buffer.concat(handshake)
  for (let at = 0; at + 4 <= messages.length; at += 4 + messages.readUIntBE(at + 1, 3)) {
    if (messages[at] !== 13) continue
    const body = messages.subarray(at + 4, at + 4 + messages.readUIntBE(at + 1, 3))
    const algorithms = 1 + body.readUInt8(0)
    const authorities = algorithms + 2 + body.readUInt16BE(algorithms)
    return { authorities: body.subarray(authorities + 2, authorities + 2 + body.readUInt16BE(authorities)) }
  }
  return null
}
