import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const given = process.env['ANECHOIC_VECTORS']
const folder = resolve(given ?? '../shared/vectors')

/** Whether there are vectors beside the checkout. When they were named they must be there. */
export const vectorsArePresent = given !== undefined || existsSync(folder)

export function vectorPath(...parts: readonly string[]): string {
  return join(folder, ...parts)
}

export function vectorText(...parts: readonly string[]): string {
  return readFileSync(vectorPath(...parts), 'utf8')
}
