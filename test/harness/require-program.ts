import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { TestContext } from 'vitest'

/** The path of a program that a test needs; skips the test when it is not installed. */
export function requireProgram(context: Pick<TestContext, 'skip'>, ...names: string[]): string {
  return findProgram(...names) ?? context.skip(`${names.join(' or ')} is not installed`)
}

/** The path of the first installed program of this list. */
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
