import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'

const main = resolve(import.meta.dirname, '../../src/cli/main.js')

/** The exit code and output of a command. */
export type CommandResult = { readonly code: number; readonly out: string; readonly err: string }

/** Runs commands of Weir in a temporary directory. */
export type CommandLine = {
  readonly folder: string
  /** Runs a command with an empty standard input. */
  run(this: void, ...words: string[]): Promise<CommandResult>
}

/** Opens a command line whose environment contains only PATH and these variables. */
export function openCommandLine(variables: Readonly<Record<string, string>>): CommandLine {
  const folder = mkdtempSync(join(tmpdir(), 'weir-command-'))
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
