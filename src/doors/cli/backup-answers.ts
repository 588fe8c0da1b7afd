/** What was backed up or put back, as `manifest.json` says it. */
export type BackupAnswer = {
  readonly createdAt: string
  readonly wrapping: string
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[]
}

export type RestoreAnswer = {
  readonly manifest: BackupAnswer
  readonly keys: number
  readonly unopened: number
  readonly toDo: string | null
}
