import { request } from 'node:https'

export type HttpsQuestion = {
  readonly method: 'GET' | 'POST'
  readonly host: string
  readonly port: number
  /** With its query. */
  readonly path: string
  /** Where the host is: nowhere else is connected to, whatever a resolver of the system would say. */
  readonly addresses: readonly string[]
  /** PEM certificates to trust instead of those of the system; null for these. */
  readonly roots: readonly string[] | null
  readonly timeoutMs: number
  /** A longer answer is none. */
  readonly maxOctets: number
  readonly contentType?: string
  readonly body?: Buffer
}

export type HttpsAnswer =
  | { readonly status: number; readonly contentType: string; readonly body: Buffer }
  /** `certificate`: the server did not prove to be who it should be. */
  | { readonly trouble: string; readonly certificate: boolean }

/** More addresses of a host than this are not tried. */
const maxAddresses = 4

/** One request over HTTPS, with the certificate verified for `host` and no redirect followed. Never throws. */
export async function askHttps(question: HttpsQuestion): Promise<HttpsAnswer> {
  const over = AbortSignal.timeout(question.timeoutMs)
  let last: HttpsAnswer = { trouble: `${question.host} has no address that may be asked`, certificate: false }
  for (const address of question.addresses.slice(0, maxAddresses)) {
    last = await askAt(question, address, over)
    if ('status' in last || last.certificate || over.aborted) return last
  }
  return last
}

function askAt(question: HttpsQuestion, address: string, over: AbortSignal): Promise<HttpsAnswer> {
  const { method, host, port, path, roots, maxOctets, contentType, body } = question
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => {
      const words = over.aborted ? `no answer within ${question.timeoutMs / 1000} seconds` : error.message
      resolve({ trouble: words, certificate: isAboutCertificate(error) })
    }
    const asked = request(
      {
        method,
        host: address,
        port,
        path,
        servername: host,
        headers: {
          host: port === 443 ? host : `${host}:${port}`,
          ...(contentType === undefined ? {} : { 'content-type': contentType }),
          ...(body === undefined ? {} : { 'content-length': body.length }),
        },
        // One connection for one question: nothing is left open, and no other host's connection is used.
        agent: false,
        signal: over,
        ...(roots === null ? {} : { ca: [...roots] }),
      },
      (response) => {
        const pieces: Buffer[] = []
        let octets = 0
        response.on('data', (piece: Buffer) => {
          octets += piece.length
          if (octets > maxOctets) response.destroy(new Error(`the answer has more than ${maxOctets} octets`))
          else pieces.push(piece)
        })
        response.on('error', failed)
        response.on('end', () => {
          const type = response.headers['content-type'] ?? ''
          resolve({ status: response.statusCode ?? 0, contentType: type, body: Buffer.concat(pieces) })
        })
      },
    )
    asked.on('error', failed)
    asked.end(body)
  })
}

function isAboutCertificate({ code }: NodeJS.ErrnoException): boolean {
  return code !== undefined && /CERT|SELF_SIGNED|UNABLE_TO/.test(code)
}
