import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { TestWeir } from '../../test/harness/start-weir.ts'
import { until } from '../../test/harness/until.ts'

/** How long the event loop of a process ran without a pause, in milliseconds of CPU, and how often for more than 10 ms. */
export type Holds = { readonly longest: number; readonly long: number }

/** Measures the holds of a subject's processes since the last reading. */
export type HoldReader = {
  /** For the start of the subject. */
  readonly env: Readonly<Record<string, string>>
  /** The highest figures of the processes whose title begins like that. */
  read(weir: Pick<TestWeir, 'children'>, title: string): Promise<Holds>
  close(): void
}

export function openHolds(): HoldReader {
  const directory = mkdtempSync(join(tmpdir(), 'weir-holds-'))
  const preloaded = pathToFileURL(join(import.meta.dirname, 'holds-child.ts'))
  const readOne = async (pid: number): Promise<Holds> => {
    const file = join(directory, String(pid))
    rmSync(file, { force: true })
    process.kill(pid, 'SIGUSR2')
    await until('the holds of a process', () => existsSync(file))
    return JSON.parse(readFileSync(file, 'utf8')) as Holds
  }
  return {
    env: { NODE_OPTIONS: `--import=${preloaded.href}`, WEIR_BENCH_HOLDS: directory },
    async read({ children }, title) {
      const all = await Promise.all(children(title).map(readOne))
      return {
        longest: Math.max(...all.map(({ longest }) => longest)),
        long: Math.max(...all.map(({ long }) => long)),
      }
    },
    close: () => rmSync(directory, { recursive: true, force: true }),
  }
}
