import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Plan } from '../harness/staged-plane.ts'
import { until } from '../harness/until.ts'

// The program as it is installed, with planes that serve nothing and stop at any point that a test names. Each test
// sends one SIGTERM when a process has reached that point; a stop that gets lost there never ends.

const root = resolve(import.meta.dirname, '../..')
let program = ''

beforeAll(() => {
  program = copyProgram()
})
afterAll(() => rmSync(program, { recursive: true, force: true }))

function copyProgram(): string {
  const copy = mkdtempSync(join(tmpdir(), 'weir-staged-'))
  for (const part of ['src', 'package.json'])
    cpSync(join(root, part), join(copy, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  cpSync(join(root, 'test/harness/staged-plane.ts'), join(copy, 'src/cli/plane-process.ts'))
  const supervisor = join(copy, 'src/cli/supervisor-process.ts')
  const reach = `import { reach } from './plane-process.ts'\nreach('supervisor loaded')\n`
  writeFileSync(supervisor, reach + readFileSync(supervisor, 'utf8'))
  return copy
}

type StagedNode = {
  readonly process: ChildProcess
  readonly output: () => string
  /** From now on, processes follow this plan. */
  plan(plan: Plan): void
  /** Pids of the processes that reached a point after the last plan was set. */
  reached(point: string): number[]
  /** The pids of all processes that ever reached a point. */
  readonly pids: () => number[]
}

/** Starts a node whose processes follow a plan. */
function startNode(main: string, first: Plan): StagedNode {
  const data = mkdtempSync(join(tmpdir(), 'weir-staged-data-'))
  const planFile = join(data, 'plan')
  let seen = 0
  const lines = (): string[] =>
    existsSync(`${planFile}.reached`)
      ? readFileSync(`${planFile}.reached`, 'utf8').trim().split('\n')
      : []
  const plan = (next: Plan): void => {
    seen = lines().length
    writeFileSync(planFile, JSON.stringify(next))
  }
  plan(first)
  const free = '127.0.0.1:0'
  const child = spawn(process.execPath, [main, 'start', '--data', data], {
    env: {
      PATH: process.env['PATH'],
      WEIR_PROXY_LISTEN: free,
      WEIR_PROXY_SSL_LISTEN: free,
      WEIR_ADMIN_LISTEN: free,
      WEIR_MANAGER_LISTEN: free,
      WEIR_NODE_LISTEN: free,
      WEIR_WORKERS: '1',
      WEIR_DRAIN_SECONDS: '0',
      STAGED_PLAN: planFile,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => (output += String(text)))
  child.once('exit', () => rmSync(data, { recursive: true, force: true }))
  const known = new Set<number>()
  const pidOf = (line: string): number => Number(line.split(' ').at(-1))
  return {
    process: child,
    output: () => output,
    plan,
    reached: (point) =>
      lines()
        .slice(seen)
        .filter((line) => line.startsWith(`${point} `))
        .map(pidOf),
    pids() {
      for (const line of lines()) known.add(pidOf(line))
      return [...known]
    },
  }
}

const isReady = (node: StagedNode): boolean => node.output().includes('launcher: node ready')

/** Ends what a failed test leaves behind. */
function killAll(node: StagedNode, pids: readonly number[]): void {
  for (const pid of [node.process.pid ?? 0, ...pids])
    if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGKILL')
}

/** Sends one SIGTERM and waits until every process has ended; returns the exit code of the launcher. */
async function stopOnce(node: StagedNode, resume: readonly number[] = []): Promise<number | null> {
  let pids = node.pids()
  try {
    const exited = once(node.process, 'exit')
    node.process.kill('SIGTERM')
    await until('the launcher has its signal', () => !hasPendingSignal(node.process.pid ?? 0))
    for (const pid of resume) process.kill(pid, 'SIGCONT')
    const ending = exited.then(([code]) => ({ code: code as number | null }))
    const ended = await until(
      'the launcher to exit',
      () => {
        pids = [...new Set([...pids, ...node.pids()])]
        return node.process.exitCode === null ? undefined : ending
      },
      180_000,
    )
    await until('all processes to end', () => !pids.some(isAlive), 60_000)
    return ended.code
  } finally {
    killAll(node, pids)
  }
}

const statusOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

const isAlive = (pid: number): boolean => /^State:\t[^Z]/m.test(statusOf(pid))
const isPaused = (pid: number): boolean => /^State:\tT/m.test(statusOf(pid))
const hasPendingSignal = (pid: number): boolean => /^ShdPnd:.*[1-9a-f]/m.test(statusOf(pid))

/** `late` continues a paused process after the signal, so that it meets the stop where it stood; `pause` leaves it to the supervisor to kill it. */
type Action = Plan['action'] | 'late'

async function standAt(node: StagedNode, point: string, action: Action): Promise<number[]> {
  const isStanding = action === 'pause' || action === 'late' ? isPaused : () => true
  return until(
    `${point} is reached`,
    () => {
      const pids = node.reached(point).filter(isStanding)
      return pids.length > 0 ? pids : undefined
    },
    120_000,
  )
}

const planOf = (point: string, action: Action): Plan => ({
  point,
  action: action === 'late' ? 'pause' : action,
})

const actions: readonly Action[] = ['pause', 'late', 'die']
const pointsOf = (names: readonly string[]): (readonly [string, Action])[] =>
  ['control', 'gateway'].flatMap((plane) =>
    names.flatMap((name) => actions.map((action) => [`${plane} ${name}`, action] as const)),
  )
const common: readonly (readonly [string, Action])[] = [
  ['supervisor loaded', 'go'],
  ['supervisor loaded', 'late'],
  ['control ready', 'go'],
  ['gateway ready', 'go'],
]
const nowhere: Plan = { point: '', action: 'go' }

describe.concurrent('one SIGTERM', { timeout: 600_000 }, () => {
  test.for([...common, ...pointsOf(['loaded', 'started'])])(
    'stops a node that starts, at the point "%s" (%s)',
    async ([point, action]) => {
      const node = startNode(join(program, 'src/cli/main.js'), planOf(point, action))
      const pids = await standAt(node, point, action)
      expect(await stopOnce(node, action === 'late' ? pids : [])).toBe(0)
    },
  )

  test.for([...common, ...pointsOf(['loaded', 'started', 'stopping'])])(
    'stops a node that is upgraded, at the point "%s" (%s)',
    async ([point, action]) => {
      const node = startNode(join(program, 'src/cli/main.js'), nowhere)
      await until('it is ready', () => isReady(node), 120_000)
      node.plan(planOf(point, action))
      node.process.kill('SIGUSR2')
      const pids = await standAt(node, point, action)
      expect(await stopOnce(node, action === 'late' ? pids : [])).toBe(0)
    },
  )

  test('stops a node whose workers are replaced', async () => {
    const node = startNode(join(program, 'src/cli/main.js'), nowhere)
    await until('it is ready', () => isReady(node), 120_000)
    node.plan({ point: 'gateway loaded', action: 'pause' })
    node.process.kill('SIGHUP')
    await standAt(node, 'gateway loaded', 'pause')
    expect(await stopOnce(node)).toBe(0)
  })
})

test(
  'refuses a successor with another upgrade protocol, logs why and continues',
  { timeout: 300_000 },
  async () => {
    const copy = copyProgram()
    try {
      const node = startNode(join(copy, 'src/cli/main.js'), nowhere)
      await until('it is ready', () => isReady(node), 120_000)
      const before = node.pids()
      const messages = join(copy, 'src/supervisor/messages.ts')
      const text = readFileSync(messages, 'utf8')
      const other = text.replace(
        /upgradeProtocol = (\d+)/,
        (_, number) => `upgradeProtocol = ${Number(number) + 1}`,
      )
      expect(other).not.toBe(text)
      writeFileSync(messages, other)
      node.process.kill('SIGUSR2')
      await until('the upgrade failed', () => node.output().includes('upgrade: failed'), 120_000)
      const lines = node.output().split('\n')
      const dismissal = lines.find((line) => line.includes('upgrade: new supervisor dismissed'))
      expect(JSON.parse(dismissal ?? '{}')).toMatchObject({
        level: 'error',
        reason: 'this version cannot be upgraded to the new one without a restart',
      })
      expect(before.every(isAlive), 'the old program goes on').toBe(true)
      writeFileSync(messages, text)
      node.process.kill('SIGUSR2')
      await until(
        'its own version takes over',
        () => node.output().split('launcher: node ready').length === 3,
        120_000,
      )
      expect(await stopOnce(node)).toBe(0)
    } finally {
      rmSync(copy, { recursive: true, force: true })
    }
  },
)
