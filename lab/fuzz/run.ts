import { Chance, seedOf } from './chance.ts'
import { mutate } from './mutate.ts'
import type { Target } from './target.ts'

/** An input that broke something. */
export type Finding = {
  readonly target: string
  /** With the seed of the run it names the input. */
  readonly input: number
  readonly message: string
  /** The octets, as JSON writes latin1; cut when long. */
  readonly octets: string
}

export type Outcome = {
  readonly inputs: number
  readonly findings: readonly Finding[]
  /** The longest that one input took, in milliseconds. */
  readonly slowest: { readonly target: string; readonly input: number; readonly ms: number }
}

/** A finding of each kind is enough. */
const findingsPerTarget = 3
const shownOctets = 4000

/** How many of all inputs each target gets. */
export function shares(targets: readonly Target[], inputs: number): readonly (readonly [Target, number])[] {
  const whole = targets.reduce((sum, target) => sum + target.weight, 0)
  return targets.map((target) => [target, Math.max(1, Math.round((inputs * target.weight) / whole))])
}

export function inputOf(
  target: Target,
  seed: number,
  input: number,
): { readonly octets: Buffer; readonly chance: Chance } {
  const chance = new Chance(seedOf(seed, target.name, input))
  return { octets: Buffer.from(mutate(target.seeds, target.words, target.longest, chance), 'latin1'), chance }
}

/** What is wrong with one input, or null. */
export function tryInput(target: Target, seed: number, input: number): Finding | null {
  const { octets, chance } = inputOf(target, seed, input)
  const before = Buffer.from(octets)
  try {
    target.check(octets, chance)
    return null
  } catch (error) {
    const message =
      error instanceof Error
        ? error.name === 'Broken'
          ? error.message
          : (error.stack ?? error.message)
        : String(error)
    const text = JSON.stringify(before.toString('latin1'))
    return {
      target: target.name,
      input,
      message,
      octets: text.length > shownOctets ? `${text.slice(0, shownOctets)}…` : text,
    }
  }
}

/**
 * Tries the inputs `from`, `from + step` and so on below `to` of one target. `look` is told before each, so that somebody else can see
 * on which one this hangs.
 */
export function runTarget(
  target: Target,
  options: { readonly seed: number; readonly from: number; readonly to: number; readonly step: number },
  look: (input: number) => void = () => undefined,
): Outcome {
  const findings: Finding[] = []
  let slowest = { target: target.name, input: 0, ms: 0 }
  let inputs = 0
  for (let input = options.from; input < options.to; input += options.step) {
    look(input)
    const began = performance.now()
    const finding = tryInput(target, options.seed, input)
    const ms = performance.now() - began
    if (ms > slowest.ms) slowest = { target: target.name, input, ms }
    if (finding !== null) findings.push(finding)
    inputs += 1
    if (findings.length >= findingsPerTarget) break
  }
  return { inputs, findings, slowest }
}
