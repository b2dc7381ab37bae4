import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestContext } from 'vitest'
import { findProgram } from './require-program.ts'

const run = promisify(execFile)

/** The exit code and output of decK. */
export type DeckResult = { readonly code: number; readonly output: string }

/** Runs decK: the program of WEIR_DECK, an installed one, or one built with Go and cached outside of the repository. Skips the test when none is available. */
export async function requireDeck(
  context: Pick<TestContext, 'skip'>,
): Promise<(...words: string[]) => Promise<DeckResult>> {
  const program = process.env['WEIR_DECK'] ?? findProgram('deck') ?? (await buildDeck(context))
  return async (...words) => {
    try {
      const { stdout, stderr } = await run(program, [...words, '--analytics=false'])
      return { code: 0, output: stdout + stderr }
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
      return { code, output: stdout + stderr }
    }
  }
}

async function buildDeck(context: Pick<TestContext, 'skip'>): Promise<string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const folder = join(cache, 'weir', 'deck')
  const program = join(folder, 'deck')
  if (existsSync(program)) return program
  const go = findProgram('go')
  if (go === undefined) return context.skip('neither decK nor Go is installed')
  const env = { ...process.env, GOBIN: folder, GOFLAGS: '-mod=mod' }
  try {
    await run(go, ['install', 'github.com/kong/deck@latest'], { env })
  } catch (error) {
    const lines = String((error as { stderr?: string }).stderr)
      .trim()
      .split('\n')
    return context.skip(`decK could not be built: ${lines.slice(0, 2).join(' ')}`)
  }
  return program
}
