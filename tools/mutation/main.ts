import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { openRandom, type Random } from '../../test/conformance/open-random.ts'
import { readSources, type SourceFile } from '../../test/tidy/read-source.ts'
import { chooseTests } from './choose-tests.ts'
import { findMutants, type Mutant } from './find-mutants.ts'

const root = join(fileURLToPath(import.meta.url), '../../..')

const usage = `npm run mutate -- [FOLDER…] [--sample 50] [--seed 1] [--jobs 1] [--unit | --quick] [--json]
  Changes one place of the source at a time and runs the tests that could notice.
  --sample  mutants per folder, chosen at random (all: 0)
  --unit    run only the unit tests beside the code, not the flow tests
  --quick   run the unit tests and the quick flow tests`

const defaultFolders = [
  'src/access',
  'src/analytics',
  'src/telemetry',
  'src/warehouse',
  'src/proxy/walk',
  'src/proxy/http1',
  'src/cluster',
]

type Candidate = { readonly path: string; readonly mutant: Mutant }
type Verdict = 'killed' | 'timeout' | 'survived' | 'not covered'
type Result = Candidate & { readonly folder: string; readonly verdict: Verdict }

/** Milliseconds until a mutant counts as detected by timeout. */
const timeout = 180_000

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      sample: { type: 'string', default: '50' },
      seed: { type: 'string', default: '1' },
      jobs: { type: 'string', default: '1' },
      unit: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const files = readSources(root, ['src', 'test'])
  const folders = positionals.length > 0 ? positionals : defaultFolders
  const random = openRandom(Number(values.seed), 0)
  const queue = folders.flatMap((folder) =>
    pick(mutantsIn(folder, files), Number(values.sample), random).map((one) => ({
      ...one,
      folder,
    })),
  )
  if (queue.length === 0) {
    console.error(`No source files in ${folders.join(', ')}.\n${usage}`)
    return 2
  }
  const results: Result[] = []
  const total = queue.length
  const work = async (): Promise<void> => {
    const copy = copyTree()
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const verdict = await judge(copy, next, files, values)
        results.push({ ...next, verdict })
        console.error(`${results.length}/${total} ${verdict.padEnd(11)} ${describe(next)}`)
      }
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  }
  await Promise.all(Array.from({ length: Number(values.jobs) }, work))
  console.log(values.json ? JSON.stringify(results) : renderScores(folders, results))
  return 0
}

function mutantsIn(folder: string, files: readonly SourceFile[]): Candidate[] {
  return files
    .map(({ path }) => path)
    .filter((path) => path.startsWith(`${folder}/`) && !path.includes('.test.'))
    .flatMap((path) =>
      findMutants(path, readFileSync(join(root, path), 'utf8')).map((mutant) => ({ path, mutant })),
    )
}

/** Copies the whole tree, because flow tests start the program and its pages; packages are linked. */
function copyTree(): string {
  const copy = mkdtempSync(join(tmpdir(), 'weir-mutation-'))
  const left = ['node_modules', '.git', 'data']
  cpSync(root, copy, {
    recursive: true,
    filter: (source) => !left.some((name) => source === join(root, name)),
  })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

async function judge(
  copy: string,
  { path, mutant }: Candidate,
  files: readonly SourceFile[],
  { unit, quick }: { readonly unit: boolean; readonly quick: boolean },
): Promise<Verdict> {
  const { direct, indirect, quickFlow, flow } = chooseTests(path, files)
  const stages = [direct, indirect, ...(unit ? [] : [quickFlow]), ...(unit || quick ? [] : [flow])]
  const original = readFileSync(join(copy, path), 'utf8')
  const { start, end, replacement } = mutant
  writeFileSync(join(copy, path), original.slice(0, start) + replacement + original.slice(end))
  try {
    let verdict: Verdict = 'not covered'
    for (const tests of stages) {
      if (tests.length === 0) continue
      verdict = await runTests(copy, tests)
      if (verdict !== 'survived') break
    }
    return verdict
  } finally {
    writeFileSync(join(copy, path), original)
  }
}

function runTests(copy: string, tests: readonly string[]): Promise<Verdict> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', '--bail', '1', '--reporter', 'dot', '--maxWorkers', '1', ...tests]
  const child = spawn(process.execPath, args, { cwd: copy, stdio: 'ignore', detached: true })
  return new Promise((resolve, reject) => {
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      endGroup(child.pid)
    }, timeout)
    child.on('error', reject)
    child.on('exit', (code) => {
      clearTimeout(timer)
      endGroup(child.pid)
      resolve(timedOut ? 'timeout' : code === 0 ? 'survived' : 'killed')
    })
  })
}

/** Stops the test run and all its child processes. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function renderScores(folders: readonly string[], results: readonly Result[]): string {
  const lines = folders.map((folder) => {
    const own = results.filter((result) => result.folder === folder)
    const found = own.filter(({ verdict }) => verdict === 'killed' || verdict === 'timeout')
    const score = own.length === 0 ? '–' : `${Math.round((100 * found.length) / own.length)} %`
    return `${folder.padEnd(18)} ${String(own.length).padStart(5)} mutants ${String(found.length).padStart(5)} found  ${score}`
  })
  const missed = results.filter(
    ({ verdict }) => verdict === 'survived' || verdict === 'not covered',
  )
  return [...lines, '', ...missed.map((one) => `${one.verdict}: ${describe(one)}`)].join('\n')
}

function describe({ path, mutant }: Candidate): string {
  const { operator, line, start, end, replacement } = mutant
  const before = readFileSync(join(root, path), 'utf8').slice(start, end).replaceAll(/\s+/g, ' ')
  return `${path}:${line} ${operator}: ${before.slice(0, 60)} → ${replacement.slice(0, 30)}`
}

function pick<T>(all: readonly T[], count: number, random: Random): readonly T[] {
  if (count === 0) return all
  const left = [...all]
  const picked: T[] = []
  while (picked.length < count && left.length > 0)
    picked.push(...left.splice(random.number(left.length), 1))
  return picked
}

process.exitCode = await main()
