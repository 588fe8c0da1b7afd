import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, rmdirSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system of its own that a drill may fill. */
export type SmallDisk = {
  readonly directory: string
  /** Fills it up to this many free octets. */
  leave(octets: number): void
  /** Removes what filled it. */
  clear(): void
  unmount(): void
}

const piece = Buffer.alloc(1_048_576)

/** Mounts one of this size, in memory; a string says what this machine lacks for it. */
export function mountSmallDisk(megabytes: number): SmallDisk | string {
  if (process.getuid?.() !== 0) return 'only root may mount a small disk'
  const directory = mkdtempSync(join(tmpdir(), 'anechoic-small-disk-'))
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', directory], {
    encoding: 'utf8',
  })
  if (mounted.status !== 0) {
    rmdirSync(directory)
    return `a small disk can not be mounted: ${mounted.stderr?.trim() ?? 'no mount command'}`
  }
  const ballast = join(directory, 'ballast')
  return {
    directory,
    leave: (octets) => {
      for (;;) {
        const { bavail, bsize } = statfsSync(directory)
        const surplus = bavail * bsize - octets
        if (surplus < bsize) return
        writeFileSync(ballast, piece.subarray(0, Math.min(piece.length, surplus)), { flag: 'a' })
      }
    },
    clear: () => rmSync(ballast, { force: true }),
    unmount: () => {
      spawnSync('umount', [directory])
      rmdirSync(directory)
    },
  }
}
