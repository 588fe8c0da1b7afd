import { join } from 'node:path'
import { boot } from './boot.js'
import { root } from './root.js'

await boot(() => join(root, 'src', 'main.ts'), process.argv.slice(2), { withTools: false })
