import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { until } from '../test/harness/until.ts'

/** CPU affinity of subjects, and of upstreams and load; nothing is pinned on a single core. */
export const cores = availableParallelism() > 1 ? { subject: '0', load: '1' } : undefined

/** The output of a program is printed only if it fails. */
export type Started = ChildProcess & { output(): string }

export function startPinned(
  core: string | undefined,
  command: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Started {
  const [program = '', ...args] = core === undefined ? command : ['taskset', '-c', core, ...command]
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-8000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return Object.assign(child, { output: () => output })
}

/** Waits until a program accepts requests; otherwise stops it and throws with its output. */
export async function untilUp(
  name: string,
  child: Started,
  isUp: () => Promise<boolean>,
): Promise<void> {
  try {
    await until(name, isUp, 60_000)
  } catch (cause) {
    await stopProcess(child)
    throw new Error(`${name} did not start: ${child.output()}`, { cause })
  }
}

/** Sends SIGTERM, and SIGKILL after ten seconds. */
export async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  const hard = setTimeout(() => child.kill('SIGKILL'), 10_000)
  await exited
  clearTimeout(hard)
}

/** A currently free port of this machine. */
export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** CPU time and resident memory of processes. */
export type Usage = { readonly cpuMicroseconds: number; readonly rssMegabytes: number }

type Running = { readonly pid: number; readonly parent: number } & Usage

// USER_HZ, which is 100 on every Linux that Node supports.
const microsecondsPerTick = 10_000
const pageBytes = 4096

/** The usage of a process and its descendants, or of those that `counts` selects. */
export function usageOf(pid: number, counts: (found: number) => boolean = () => true): Usage {
  const counted = listFamily(pid).filter((found) => counts(found.pid))
  return {
    cpuMicroseconds: counted.reduce((sum, found) => sum + found.cpuMicroseconds, 0),
    rssMegabytes: counted.reduce((sum, found) => sum + found.rssMegabytes, 0),
  }
}

/** A process and its descendants. */
export const familyOf = (pid: number): number[] => listFamily(pid).map((found) => found.pid)

function listFamily(pid: number): Running[] {
  const all = listProcesses()
  const family = new Set([pid])
  for (let before = 0; before !== family.size;) {
    before = family.size
    for (const found of all) if (family.has(found.parent)) family.add(found.pid)
  }
  return all.filter((found) => family.has(found.pid))
}

/** The title of a process, as it set it itself. */
export function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()
  } catch {
    return ''
  }
}

export function hasLoaded(pid: number, name: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/maps`, 'utf8').includes(name)
  } catch {
    return false
  }
}

function listProcesses(): Running[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        return [readProcess(Number(name))]
      } catch {
        // The process exited in the meantime.
        return []
      }
    })
}

/** The usage of one process; undefined when it has exited. */
export function usageOfOne(pid: number): Usage | undefined {
  try {
    return readProcess(pid)
  } catch {
    return undefined
  }
}

/** proc(5): after the parenthesised name come state, ppid, …; utime and stime are fields 14 and 15, rss is 24. */
function readProcess(pid: number): Running {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const field = (number: number): number => Number(fields[number - 3])
  return {
    pid,
    parent: field(4),
    cpuMicroseconds: (field(14) + field(15)) * microsecondsPerTick,
    rssMegabytes: (field(24) * pageBytes) / 1e6,
  }
}
