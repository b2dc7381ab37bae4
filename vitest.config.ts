import { defineConfig } from 'vitest/config'
import { closingReporter } from './test/harness/closing-reporter.ts'

// Files run in processes of their own: chDB keeps one data directory per process.
export default defineConfig({
  test: {
    include: ['{src,test,tools,bench,ui}/**/*.test.{ts,tsx}'],
    pool: 'forks',
    testTimeout: 20_000,
    hookTimeout: 60_000,
    reporters: ['default', closingReporter()],
  },
})
