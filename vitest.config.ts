import { configDefaults, defineConfig } from 'vitest/config'
import { closingReporter } from './test/harness/closing-reporter.ts'
import { SlowFilesFirst } from './test/harness/slow-files-first.ts'

// Where decK's program cannot be had, somebody who knows that says so; else its test is skipped, which fails in CI.
const without = process.env['WEIR_WITHOUT_DECK'] === undefined ? [] : ['**/deck-program.test.ts']

// Files run in processes of their own: chDB keeps one data directory per process.
export default defineConfig({
  test: {
    include: ['{src,test,tools,bench,ui}/**/*.test.{ts,tsx}'],
    exclude: [...configDefaults.exclude, ...without],
    pool: 'forks',
    maxWorkers: '100%',
    sequence: { sequencer: SlowFilesFirst },
    // Generous: the machine that runs the tests may be busy, and no test asserts on time.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 45_000 } },
    reporters: ['default', closingReporter()],
  },
})
