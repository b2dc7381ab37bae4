import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

const root = resolve(import.meta.dirname, '../..')

/** The files that take longest, the slowest first. */
const slowFiles = [
  'test/ui/manager.test.ts',
  'test/flows/on-postgres.test.ts',
  'test/flows/upgrade.test.ts',
  'test/flows/stop-anywhere.test.ts',
  'test/flows/supervision.test.ts',
  'test/flows/kill.test.ts',
  'test/flows/admin-roles.test.ts',
  'test/guide.test.ts',
  'test/flows/reload.test.ts',
  'test/flows/control-planes.test.ts',
  'test/flows/admin-crash.test.ts',
  'test/flows/store-migrations.test.ts',
].map((file) => resolve(root, file))

/** Starts the slowest files first, so that none of them runs alone at the end. Without durations of an earlier run, Vitest orders files by size, and on-postgres.test.ts is small. */
export class SlowFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const missing = slowFiles.filter((file) => !existsSync(file))
    if (missing.length > 0)
      throw new Error(`slow-files-first.ts names missing files: ${missing.join(', ')}`)
    const rank = ({ moduleId }: TestSpecification): number =>
      slowFiles.includes(moduleId) ? slowFiles.indexOf(moduleId) : slowFiles.length
    return (await super.sort(files)).toSorted((one, other) => rank(one) - rank(other))
  }
}
