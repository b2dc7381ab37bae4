import { readFileSync, writeFileSync } from 'node:fs'
import type { TestWeir } from '../../test/harness/start-weir.ts'
import { usageOfOne } from '../processes.ts'
import type { Point } from '../report.ts'

/** The control plane or a worker. */
export type PlaneProcess = {
  /** Title, for example `weir gateway-0`. */
  readonly name: string
  /** CPU seconds since the start of the watch, without those of processes that died. */
  readonly cpuSeconds: number
  /** CPU seconds since the start of the process. */
  readonly totalCpuSeconds: number
  readonly rssMegabytes: number
  readonly peakMegabytes: number
  /** Deaths of the process since the start of the watch; the supervisor starts it again. */
  readonly deaths: number
  /** Seconds since the start of the watch, and resident megabytes. */
  readonly memory: readonly Point[]
}

export type Watch = {
  read(): readonly PlaneProcess[]
  stop(): void
}

type Watched = {
  pid: number
  cpuBefore: number
  deaths: number
  readonly memory: Point[]
}

const interval = 500

/** Watches CPU, memory and deaths of the control plane and of all workers. */
export function watchProcesses({ children }: Pick<TestWeir, 'children'>): Watch {
  const names = ['weir control', 'weir gateway']
    .flatMap(children)
    .map((pid) => titleOf(pid))
    .toSorted()
  const startedAt = performance.now()
  const watched = new Map(names.map((name) => [name, begin(children(name)[0] ?? 0)] as const))
  const sample = (): void => {
    const second = (performance.now() - startedAt) / 1_000
    for (const [name, one] of watched) {
      const usage = usageOfOne(one.pid)
      if (usage === undefined) Object.assign(one, replaced(one, children(name)[0]))
      one.memory.push([second, usage?.rssMegabytes ?? 0])
    }
  }
  sample()
  const timer = setInterval(sample, interval)
  return {
    read() {
      sample()
      return [...watched].map(([name, { pid, cpuBefore, deaths, memory }]) => {
        const usage = usageOfOne(pid)
        const cpu = usage?.cpuMicroseconds ?? 0
        return {
          name,
          cpuSeconds: (cpu - cpuBefore) / 1e6,
          totalCpuSeconds: cpu / 1e6,
          rssMegabytes: usage?.rssMegabytes ?? 0,
          peakMegabytes: Math.max(peakOf(pid), ...memory.map(([, megabytes]) => megabytes)),
          deaths,
          memory: [...memory],
        }
      })
    },
    stop: () => clearInterval(timer),
  }
}

/** The highest figure of the control plane or of the workers. */
export const figureOf = (
  processes: readonly PlaneProcess[],
  plane: 'control' | 'gateway',
  figure: 'cpuSeconds' | 'totalCpuSeconds' | 'rssMegabytes' | 'peakMegabytes',
): number =>
  Math.max(
    ...processes.filter(({ name }) => name.startsWith(`weir ${plane}`)).map((one) => one[figure]),
  )

function begin(pid: number): Watched {
  // proc(5): 5 resets the peak of the resident memory.
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  return { pid, cpuBefore: usageOfOne(pid)?.cpuMicroseconds ?? 0, deaths: 0, memory: [] }
}

const replaced = ({ deaths }: Watched, pid: number | undefined): Partial<Watched> =>
  pid === undefined ? {} : { pid, cpuBefore: 0, deaths: deaths + 1 }

const titleOf = (pid: number): string =>
  (readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0')[0] ?? '').trim()

function peakOf(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    return (Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024) / 1e6
  } catch {
    return 0
  }
}
