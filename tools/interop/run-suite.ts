import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { stripVTControlCharacters } from 'node:util'
import { findProgram } from '../../test/harness/require-program.ts'

/** Ports of the gateway under test. */
export type Subject = {
  readonly proxyPort: number
  readonly securePort: number
  readonly adminUrl: string
  readonly token: string
  /** Sends a change to the Admin API. */
  configure(this: void, method: string, path: string, body?: object): Promise<unknown>
}

/** A program that others wrote, which tests a gateway. */
export type Suite = {
  readonly name: string
  /** Environment variables that name its programs, with the names to look for in PATH. */
  readonly programs: readonly { readonly variable: string; readonly names: readonly string[] }[]
  /** Returns the lines of its result, the counts first. */
  run(subject: Subject, programs: readonly string[]): Promise<readonly string[]>
}

/** The paths of the programs of a suite, or what is missing. */
export function findPrograms({ programs }: Suite): readonly string[] | { missing: string } {
  const found = programs.map(
    ({ variable, names }) => process.env[variable] ?? findProgram(...names),
  )
  const missing = programs.filter((_program, at) => found[at] === undefined)
  if (missing.length === 0) return found.filter((path) => path !== undefined)
  const wanted = missing.map(
    ({ variable, names }) => `${names.join(' or ')} (set ${variable}, or put it into PATH)`,
  )
  return { missing: wanted.join(', ') }
}

/** Runs a program in a folder to its end, and stops it after `milliseconds`. Its status is null when it was stopped. */
export async function runProgram(
  program: string,
  args: readonly string[],
  milliseconds: number,
  folder?: string,
): Promise<{ status: number | null; output: string }> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], cwd: folder })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (part) => (output += String(part)))
  const late = setTimeout(() => child.kill('SIGKILL'), milliseconds)
  const [status] = (await once(child, 'close')) as [number | null]
  clearTimeout(late)
  return { status, output: stripVTControlCharacters(output) }
}
