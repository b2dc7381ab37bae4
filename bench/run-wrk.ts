import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPinned } from './processes.ts'

export type Load = {
  readonly requests: number
  readonly rps: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  /** Responses with status 400 or above, timeouts and broken connections. */
  readonly errors: number
}

export type WrkOptions = {
  readonly core: string | undefined
  readonly seconds: number
  readonly connections: number
  readonly headers?: Readonly<Record<string, string>>
}

const script = `
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nRESULT {"requests":%d,"rps":%.3f,"p50":%.4f,"p99":%.4f,"p999":%.4f,"errors":%d}\\n',
    summary.requests, summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency:percentile(99.9) / 1000,
    e.status + e.connect + e.read + e.write + e.timeout))
end
`

/** Runs wrk with one thread against `url`. */
export async function runWrk(url: string, options: WrkOptions): Promise<Load> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-wrk-'))
  try {
    const file = join(folder, 'result.lua')
    writeFileSync(file, script)
    const headers = Object.entries(options.headers ?? {}).map(
      ([name, value]) => `${name}: ${value}`,
    )
    const command = ['wrk', '-t', '1', '-c', String(options.connections)]
    command.push('-d', `${options.seconds}s`, '--latency', '-s', file)
    command.push(...headers.flatMap((header) => ['-H', header]), url)
    const child = startPinned(options.core, command)
    await once(child, 'close')
    const result = /^RESULT (.*)$/m.exec(child.output())?.[1]
    if (result === undefined) throw new Error(`wrk failed: ${child.output()}`)
    return JSON.parse(result) as Load
  } finally {
    rmSync(folder, { recursive: true })
  }
}
