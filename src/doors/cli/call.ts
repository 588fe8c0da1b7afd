import { Option } from '@commander-js/extra-typings'
import type { ExitCode } from '../../standards/exit-codes.ts'
import type { Operations } from '../operations.ts'
import type { Diagnosis } from './doctor.ts'
import type { BackupAnswer, RestoreAnswer } from './backup-answers.ts'
import type { OpenVerifier } from './verification.ts'

/** What the command line needs from the rest of the program; `main.ts` supplies it. */
export type Powers = {
  readonly version: string
  /** Runs the server until it is told to stop. */
  start(config: string | null): Promise<ExitCode>
  /** Validates configuration and policy; the problems as they are shown. */
  check(config: string | null, policy: string | null): Promise<readonly string[]>
  /** Looks at what the installation stands on. */
  doctor(config: string | null): Promise<readonly Diagnosis[]>
  /** The running server's operations, or, when none runs, those on the stores themselves. */
  operations(config: string | null): Promise<{ readonly operations: Operations; close(): Promise<void> }>
  /** What judges messages, with a zone in place of DNS or with DNS as configured. */
  verifier: OpenVerifier
  /** Copies the stores into a new directory. */
  backup(
    config: string | null,
    directory: string,
    what: { readonly ledger: boolean; readonly wrappingKey: boolean },
  ): Promise<BackupAnswer>
  /** Puts such a copy into an empty data directory. */
  restore(config: string | null, directory: string, dryRun: boolean): Promise<RestoreAnswer>
  /** Runs the lab in a process of its own. */
  lab(args: readonly string[]): Promise<ExitCode>
}

export type Terminal = {
  out(text: string): void
  err(text: string): void
  /** As `out`, and resolves when the reader keeps up. */
  pour(text: string): Promise<void>
  /** What is piped in. */
  input(): AsyncIterable<Buffer>
}

/** What each verb's action gets. */
export type Call = {
  readonly powers: Powers
  readonly terminal: Terminal
  /** Runs the body with operations and closes them after. */
  withOperations(config: string | undefined, body: (operations: Operations) => Promise<ExitCode>): Promise<void>
  finish(code: ExitCode): void
}

export const configOption = (): Option<'--config <file>', undefined, undefined, undefined, false, undefined> =>
  new Option('--config <file>', 'configuration file (default: ./anechoic.yaml when it is there)')

export const jsonOption = (): Option<'--json', undefined, undefined, undefined, false, undefined> =>
  new Option('--json', 'print JSON for machines')
