import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'
import { closingReporter } from './test/harness/closing-reporter.ts'
import { SlowFilesFirst } from './test/harness/slow-files-first.ts'
import { keepTemporaryFilesInMemory } from './test/harness/temporary-directory.ts'

keepTemporaryFilesInMemory()

// Where decK's program cannot be had, somebody who knows that says so; else its test is skipped, which fails in CI.
const without = process.env['WEIR_WITHOUT_DECK'] === undefined ? [] : ['**/deck-program.test.ts']

/** Unit tests that open a warehouse. */
const warehouseTests = ['src/{analytics,warehouse}/**/*.test.ts', 'src/access/row-rules.test.ts']

/** Files that need a process of their own: chDB keeps one data directory per process, and some change or measure the process. */
const isolated = [
  ...warehouseTests,
  ...[
    'admin-failures',
    'analytics-routes',
    'audit-dataset',
    'full-warehouse',
    'open-datasets',
    'preview',
    'refused-batch',
    'warehouse-routes',
  ].map((name) => `test/flows/${name}.test.ts`),
  // Runs the tests of other files on another engine.
  'test/flows/on-postgres.test.ts',
]

export default defineConfig({
  test: {
    exclude: [...configDefaults.exclude, ...without],
    pool: 'forks',
    // One more than cores: many tests wait for processes that they start.
    maxWorkers: availableParallelism() + 1,
    sequence: { sequencer: SlowFilesFirst },
    // Generous: the machine that runs the tests may be busy, and no test asserts on time.
    testTimeout: 90_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 45_000 } },
    reporters: ['default', closingReporter()],
    projects: [
      { extends: true, test: { name: 'isolated', include: isolated } },
      {
        extends: true,
        test: {
          name: 'flows',
          include: ['test/**/*.test.ts'],
          exclude: [...configDefaults.exclude, ...without, ...isolated],
          isolate: false,
        },
      },
      {
        extends: true,
        // One process runs many files: a process and its imports cost more than most of these tests.
        test: {
          name: 'units',
          include: ['{src,tools,bench,ui}/**/*.test.{ts,tsx}'],
          exclude: [...configDefaults.exclude, ...warehouseTests],
          isolate: false,
        },
      },
    ],
  },
})
