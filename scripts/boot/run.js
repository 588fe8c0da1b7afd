// Runs a tool or a script of this project under the right Node.js: run.js TOOL|FILE [ARGUMENT...]
import { existsSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { boot } from './boot.js'
import { BootError, root, USAGE } from './root.js'

const [name, ...args] = process.argv.slice(2)

const findEntry = () => {
  const candidates = name ? [join(root, 'node_modules', '.bin', name), join(root, name)] : []
  const entry = candidates.find((file) => existsSync(file))
  if (!entry)
    throw new BootError(
      `usage: node scripts/boot/run.js TOOL|FILE [ARGUMENT...]; ${name ?? 'nothing'} is neither`,
      USAGE,
    )
  return realpathSync(entry)
}

await boot(findEntry, args, { withTools: true })
