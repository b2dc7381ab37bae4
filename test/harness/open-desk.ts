import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'

const main = resolve(import.meta.dirname, '../../src/cli/main.ts')

/** How a command ended, and what it said. */
export type Said = { readonly code: number; readonly out: string; readonly err: string }

/** A folder in which a person types commands of Weir, for the length of a test. */
export type Desk = {
  readonly folder: string
  /** Runs a command with nothing on its standard input. */
  run(this: void, ...words: string[]): Promise<Said>
}

/** Opens a desk whose environment has these variables and the path, and nothing else. */
export function openDesk(variables: Readonly<Record<string, string>>): Desk {
  const folder = mkdtempSync(join(tmpdir(), 'weir-desk-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const env = { PATH: process.env['PATH'], ...variables }
  return {
    folder,
    run: (...words) =>
      new Promise((done) => {
        const child = execFile(
          process.execPath,
          [main, ...words],
          { env, cwd: folder },
          (error, out, err) => done({ code: error === null ? 0 : Number(error.code), out, err }),
        )
        child.stdin?.end()
      }),
  }
}
