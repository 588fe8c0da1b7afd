/** One message to judge, or with `message` null a peer by SPF alone. What came from a person or a file, not checked yet. */
export type CaseToVerify = {
  /** With CRLF or bare LF. */
  readonly message: Buffer | null
  /** null: nothing is known of who handed it over. */
  readonly ip: string | null
  readonly helo: string
  readonly mailFrom: string
  /** DNS in a table, as JSON gave it; null: the real one. */
  readonly zone: unknown
  /** Seconds since the epoch; null: now. */
  readonly now: number | null
}

/** The answer of `verify`, in the words of RFC 8601. */
export type Verification = {
  readonly spf: {
    readonly result: string
    readonly domain: string | null
    readonly scope: 'mfrom' | 'helo'
    readonly problem: string | null
  }
  /** The rest is there when there was a message. */
  readonly dkim?: readonly {
    readonly domain: string | null
    readonly selector: string | null
    readonly result: string
    readonly reason: string
  }[]
  readonly arc?: { readonly result: string; readonly reason: string }
  readonly dmarc?: {
    readonly result: string
    /** Where the applied policy is published, else the Author Domain. */
    readonly domain: string | null
    /** What the record asks for when the message fails, test mode counted in. */
    readonly policy: string | null
    readonly problem: string | null
  }
}

/** `error`: the case cannot be judged as it was given. */
export type VerifierAnswer = Verification | { readonly error: string }

export type Verifier = { verify(one: CaseToVerify): Promise<VerifierAnswer> }

/** `config` is the file that says which DNS servers to ask, when a case brings no zone. */
export type OpenVerifier = (config: string | null) => Promise<Verifier>
