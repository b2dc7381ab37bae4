import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { until } from './until.ts'

/** A part of a page that is executed: a file to write, or commands with the output that the page shows. */
export type Step =
  | { readonly kind: 'file'; readonly name: string; readonly text: string }
  | {
      readonly kind: 'commands'
      readonly line: number
      readonly text: string
      readonly expected: string | undefined
      /** Repeated until they print what is expected. */
      readonly isEventual: boolean
    }

/** The steps of a Markdown page.
 *
 *  - ```` ```sh ```` is executed; a ```` ```text ```` block right after it is the expected output.
 *  - ```` ```sh eventually ```` is repeated until it prints the expected output, because a change or an event takes a moment.
 *  - ```` ```sh no-run: reason ```` is not executed.
 *  - ```` ```yaml NAME ```` (any language but sh and text) is written to the file NAME.
 */
export function readSteps(page: string): Step[] {
  const fences = [...page.matchAll(/^```(\S+)(?: +(.+))?\n([^]*?)^```$/gm)]
  return fences.flatMap((fence, index): Step[] => {
    const [, language, info = '', text = ''] = fence
    if (language !== 'sh') return info === '' ? [] : [{ kind: 'file', name: info, text }]
    if (info.startsWith('no-run')) {
      if (/^no-run: \S/.test(info)) return []
      throw new Error(`sh ${info}: give a reason, no-run: …`)
    }
    const next = fences[index + 1]
    const between = page.slice(fence.index + fence[0].length, next?.index)
    const expected = next?.[1] === 'text' && between.trim() === '' ? next[3] : undefined
    const line = page.slice(0, fence.index).split('\n').length + 1
    return [commandsOf({ line, text, expected, info })]
  })
}

function commandsOf({
  info,
  ...step
}: {
  line: number
  text: string
  expected: string | undefined
  info: string
}): Step {
  if (info !== '' && info !== 'eventually') throw new Error(`line ${step.line}: sh ${info}`)
  const isEventual = info === 'eventually'
  if (isEventual && step.expected === undefined) throw new Error(`line ${step.line}: no output`)
  return { kind: 'commands', ...step, isEventual }
}

/** The first step of a page that failed, with its output. */
export type Fault = { readonly line: number; readonly why: string; readonly output: string }

/** Executes steps in one bash, in `folder`, until one fails. `places` maps addresses in pages, such as 127.0.0.1:8001, to those of this run. */
export async function runSteps(
  steps: readonly Step[],
  folder: string,
  places: Readonly<Record<string, string>>,
): Promise<Fault | undefined> {
  const pairs = Object.entries(places)
  const localize = (text: string): string =>
    pairs.reduce((result, [from, to]) => result.replaceAll(from, to), text)
  const globalize = (text: string): string =>
    pairs.reduce((result, [from, to]) => result.replaceAll(to, from), text)
  const bash = spawn('bash', ['-s'], { cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] })
  bash.stdin.write('set -euo pipefail\n')
  try {
    for (const [index, step] of steps.entries()) {
      if (step.kind === 'file') {
        bash.stdin.write(
          `cp ${write(folder, `.${index}.file`, localize(step.text))} ${step.name}\n`,
        )
        continue
      }
      const at = join(folder, `.${index}`)
      const script = write(folder, `.${index}.sh`, localize(step.text))
      const attempt = async (): Promise<Fault | undefined> => {
        rmSync(`${at}.done`, { force: true })
        const source = step.isEventual ? `(source ${script})` : `source ${script}`
        const run = `${source} >${at}.out 2>&1 </dev/null`
        bash.stdin.write(`${step.isEventual ? `${run} || true` : run}; touch ${at}.done\n`)
        const hasEnded = (): boolean => bash.exitCode !== null || existsSync(`${at}.done`)
        await until(`line ${step.line} to end`, hasEnded, 120_000)
        const output = globalize(readFileSync(`${at}.out`, 'utf8'))
        const { line, expected } = step
        if (bash.exitCode !== null) return { line, why: `ended with ${bash.exitCode}`, output }
        const isExpected = expected === undefined || matchesOutput(output, expected)
        return isExpected ? undefined : { line, why: 'printed something else', output }
      }
      let fault = await attempt()
      const deadline = Date.now() + 60_000
      while (step.isEventual && fault !== undefined && Date.now() < deadline)
        fault = await attempt()
      if (fault !== undefined) return fault
    }
    return undefined
  } finally {
    bash.stdin.end()
  }
}

function write(folder: string, name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}

/** Whether an output is as a page shows it: `…` stands for anything in a line, a line of only `…` for any lines. */
export function matchesOutput(output: string, expected: string): boolean {
  const lines = trimLines(expected).map((line) =>
    line.trim() === '…' ? '(?:.*\\n)*?' : `${line.split('…').map(quote).join('.*?')}\\n`,
  )
  return new RegExp(`^${lines.join('')}$`).test(`${trimLines(output).join('\n')}\n`)
}

const quote = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)

const trimLines = (text: string): string[] =>
  text
    .trim()
    .split('\n')
    .map((line) => line.trimEnd())
