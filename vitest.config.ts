import { readdirSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { configDefaults, defineConfig } from 'vitest/config'
import { closingReporter } from './test/harness/closing-reporter.ts'
import { SlowFilesFirst } from './test/harness/slow-files-first.ts'
import { keepTemporaryFilesInMemory } from './test/harness/temporary-directory.ts'

keepTemporaryFilesInMemory()

// Where decK's program cannot be had, somebody who knows that says so; else its test is skipped, which fails in CI.
const without = process.env['WEIR_WITHOUT_DECK'] === undefined ? [] : ['**/deck-program.test.ts']

/**
 * Whether a file of tests needs a process of its own: chDB keeps one data directory per process, a mocked module must
 * not have been imported before, and one file runs the tests of others on another engine.
 */
const needsProcess = (file: string): boolean =>
  /openTestWarehouse|openWarehouse|rerunOnPostgres|vi\.mock\(/.test(readFileSync(file, 'utf8'))

const isolated = ['src', 'test'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${folder}/${name}`)
    .filter(needsProcess),
)

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
          exclude: [...configDefaults.exclude, ...isolated],
          isolate: false,
        },
      },
    ],
  },
})
