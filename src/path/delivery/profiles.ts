// Reading takes a schema and a YAML parser, which whoever delivers does without: the supervisor reads, and relays are told.
export { builtInProfiles, isProfileProblems, readProfiles } from './shaping/read-profiles.ts'
