import { configDefaults, defineConfig } from 'vitest/config'

const conformance = '**/*.conformance.test.ts'

/** Conformance tests read the vectors beside the checkout, so they run apart: `--mode conformance`. */
const testsOf = (folder: string, mode: string) =>
  mode === 'conformance'
    ? { include: [`${folder}/${conformance}`], exclude: configDefaults.exclude }
    : { include: [`${folder}/**/*.test.ts`], exclude: [...configDefaults.exclude, conformance] }

export default defineConfig(({ mode }) => ({
  test: {
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Processes, not threads: tests set signal handlers, change directories and load native code.
    pool: 'forks',
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    projects: [
      // Unit tests share a process, since starting one costs more than most of them.
      { extends: true, test: { name: 'src', ...testsOf('src', mode), isolate: false } },
      { extends: true, test: { name: 'scripts', ...testsOf('scripts', mode) } },
      // A story starts a world: it gets a process of its own.
      { extends: true, test: { name: 'lab', ...testsOf('lab', mode) } },
    ],
  },
}))
