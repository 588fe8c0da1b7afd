import type { Target } from '../target.ts'
import { mailbox, names } from './addresses.ts'
import { command } from './command.ts'
import { data, stuffer } from './data.ts'
import { dnsPolicies, dnsResponses } from './dns.ts'
import { configuration, policy } from './files.ts'
import { header } from './header.ts'
import { replies } from './replies.ts'
import { reports } from './reports.ts'
import { signatures } from './signatures.ts'
import { frames, signingInput } from './signer.ts'
import { certificates, smallTexts } from './small-texts.ts'

/** Every reader of octets that somebody else may have written. */
export const targets: readonly Target[] = [
  command,
  data,
  stuffer,
  header,
  mailbox,
  names,
  replies,
  reports,
  signatures,
  signingInput,
  frames,
  smallTexts,
  dnsResponses,
  dnsPolicies,
  certificates,
  policy,
  configuration,
]
