import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { cores, stopProcess } from '../processes.ts'
import { median, rounded, type BenchOptions, type Report } from '../report.ts'
import { runWrk } from '../run-wrk.ts'
import { cases } from './cases.ts'

/** CPU time per request of each policy, from clients to a service and back. The rounds alternate between the cases. */
export async function benchPolicies(options: BenchOptions): Promise<Report> {
  const service = createServer((socket) => {
    socket.on('data', () =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok'),
    )
    socket.on('error', () => socket.destroy())
  })
  await new Promise<void>((resolve) => void service.listen(0, '127.0.0.1', resolve))
  const { port } = service.address() as AddressInfo
  const child = fork(join(import.meta.dirname, 'gateway-child.ts'), [String(port)])
  try {
    const [{ ready }] = (await once(child, 'message')) as [{ ready: string }]
    const names = Object.keys(cases).filter(
      (name) => name === 'none' || name.includes(options.only),
    )
    const figures = new Map(names.map((name) => [name, [] as number[]]))
    const violations: string[] = []
    for (let round = 0; round <= options.rounds; round += 1) {
      for (const name of names) {
        const { cost, errors } = await measure(child, `${ready}/${name}`, name, options.seconds)
        if (errors > 0) violations.push(`${name}: ${errors} requests failed`)
        // The first round warms the code.
        if (round > 0) figures.get(name)?.push(cost)
        options.onProgress(`${name}: ${rounded(cost, 1)} µs`)
      }
    }
    const none = median(figures.get('none') ?? [])
    const rows = names.map((name) => {
      const cost = median(figures.get(name) ?? [])
      return {
        case: name,
        subject: 'weir',
        cpu_us_per_request: rounded(cost, 1),
        added_us: rounded(cost - none, 1),
        ratio_to_none: rounded(cost / none, 3),
      }
    })
    return {
      rows,
      notes: ['CPU time of the gateway process; events are described and not written.'],
      violations,
    }
  } finally {
    await stopProcess(child)
    service.close()
  }
}

async function measure(child: ChildProcess, url: string, name: string, seconds: number) {
  const before = await cpuOf(child)
  const headers = cases[name]?.headers ?? {}
  const load = await runWrk(url, { core: cores?.load, seconds, connections: 16, headers })
  const used = (await cpuOf(child)) - before
  return { cost: used / Math.max(1, load.requests), errors: load.errors }
}

async function cpuOf(child: ChildProcess): Promise<number> {
  const answer = once(child, 'message') as Promise<[{ microseconds: number }]>
  child.send('cpu')
  return (await answer)[0].microseconds
}
