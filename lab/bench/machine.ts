import { generateKeyPairSync, sign } from 'node:crypto'
import { arch, cpus, release, totalmem } from 'node:os'

/** Where the figures come from. They carry over to no other machine; ratios taken in one run nearly do. */
export type Machine = {
  readonly cpu: string
  readonly cores: number
  readonly memoryMegabytes: number
  readonly kernel: string
  readonly arch: string
  readonly node: string
  readonly openssl: string
  /** One RSA-2048 signature in this process: the greatest single cost of a message, and a gauge of how fast the machine is at this moment. */
  readonly rsaSignMicroseconds: number
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryMegabytes: Math.round(totalmem() / 1_048_576),
    kernel: release(),
    arch: arch(),
    node: process.version,
    openssl: process.versions.openssl ?? 'unknown',
    rsaSignMicroseconds: Math.round(rsaSignMicroseconds()),
  }
}

function rsaSignMicroseconds(): number {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const input = Buffer.alloc(600, 'x')
  const signMany = (count: number): void => {
    for (let made = 0; made < count; made++) sign('sha256', input, privateKey)
  }
  signMany(50)
  const before = process.cpuUsage()
  signMany(500)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 500
}
