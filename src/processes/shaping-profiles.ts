import { readFileSync } from 'node:fs'
import type { Profiles } from '../path/delivery/index.ts'
import { builtInProfiles, isProfileProblems, readProfiles } from '../path/delivery/profiles.ts'

/** The profiles of receivers, and what is wrong with the operator's file of them, each as `FILE:LINE:COLUMN path: message`. */
export type ShapingRead = { readonly profiles: Profiles; readonly problems: readonly string[] }

/** Reads the operator's profiles over those that come with the program; where they have problems those of the program hold alone. */
export function readShaping(file: string | null): ShapingRead {
  if (file === null) return { profiles: builtInProfiles(), problems: [] }
  try {
    const read = readProfiles(readFileSync(file, 'utf8'), file)
    return isProfileProblems(read) ? { profiles: builtInProfiles(), ...read } : { profiles: read, problems: [] }
  } catch (error) {
    return { profiles: builtInProfiles(), problems: [`${file}:1:1 cannot be read: ${(error as Error).message}`] }
  }
}
