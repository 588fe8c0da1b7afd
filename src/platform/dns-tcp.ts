import { randomInt } from 'node:crypto'
import { createConnection } from 'node:net'
import type { DnsTrouble } from '../standards/dns/inquiry.ts'

/** One query over a TCP connection of its own (RFC 7766), with the id that it was given. */
export function askOverTcp(
  server: { readonly host: string; readonly port: number },
  queryWith: (id: number) => Buffer,
  waitMs: number,
): Promise<{ readonly bytes: Buffer; readonly id: number } | DnsTrouble['trouble']> {
  return new Promise((resolve) => {
    const id = randomInt(0x10000)
    const socket = createConnection({ host: server.host, port: server.port })
    const pieces: Buffer[] = []
    let length = 0
    const finish = (result: Buffer | DnsTrouble['trouble']): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(typeof result === 'string' ? result : { bytes: result, id })
    }
    const timer = setTimeout(() => finish('timeout'), waitMs)
    socket.on('error', (error: NodeJS.ErrnoException) => finish(error.code === 'ECONNREFUSED' ? 'refused' : 'servfail'))
    socket.on('close', () => finish('servfail'))
    socket.on('connect', () => {
      const query = queryWith(id)
      const size = Buffer.alloc(2)
      size.writeUInt16BE(query.length)
      socket.write(Buffer.concat([size, query]))
    })
    socket.on('data', (piece: Buffer) => {
      pieces.push(piece)
      length += piece.length
      if (length < 2) return
      // The length before the message has 16 bits, which bounds what is gathered here.
      const all = Buffer.concat(pieces)
      const end = 2 + all.readUInt16BE(0)
      if (length >= end) finish(all.subarray(2, end))
    })
  })
}
