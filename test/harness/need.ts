import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'vitest'

/** The path of a program that the test cannot do without; skips the test, saying why, where it is not installed. */
export function need(context: Pick<TestContext, 'skip'>, ...names: string[]): string {
  return findProgram(...names) ?? context.skip(`${names.join(' or ')} is not installed`)
}

/** The path of the first of these programs that is installed, by the system's search path. */
export function findProgram(...names: string[]): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return names
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((file) => isExecutable(file))
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
