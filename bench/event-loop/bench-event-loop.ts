import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as send } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { rounded, type BenchOptions, type Report, type Row } from '../report.ts'
import { hostileRequests, type HostileRequest } from './hostile-requests.ts'

const token = 'bench-admin-token-0000000000'
const maxHold = 100

/** The longest hold of the event loop by hostile requests at each door, in CPU time. A hold of more than 100 ms is a violation. */
export async function benchEventLoop({ only, onProgress }: BenchOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-event-loop-'))
  const planes = {
    'control plane': await start('control-plane-child.ts', folder),
    gateway: await start('gateway-child.ts', folder),
  }
  const rows: Row[] = []
  try {
    for (const hostile of hostileRequests()) {
      const name = `${hostile.plane}, ${hostile.door}: ${hostile.shape}`
      if (!name.includes(only)) continue
      const { child, url } = planes[hostile.plane]
      await ask(child, 'reset')
      const status = await sendTo(url, hostile)
      await sleep(hostile.after ?? 0)
      const held = rounded(await ask(child, 'read'), 1)
      onProgress(`${name}: ${held} ms, ${status}`)
      rows.push({
        case: `${hostile.plane}, ${hostile.door}`,
        subject: hostile.shape,
        kib: rounded(Buffer.byteLength(hostile.body) / 1024),
        status,
        held_cpu_ms: held,
      })
    }
  } finally {
    for (const { child } of Object.values(planes)) child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  }
  return {
    rows,
    notes: ['held_cpu_ms: the longest turn of the event loop, in CPU time of its thread.'],
    violations: rows.flatMap((row) =>
      Number(row['held_cpu_ms']) > maxHold
        ? [`${row.case}, ${row.subject}: held the event loop for ${row['held_cpu_ms']} ms`]
        : [],
    ),
  }
}

async function start(
  module: string,
  folder: string,
): Promise<{ child: ChildProcess; url: string }> {
  const child = fork(join(import.meta.dirname, module), {
    env: {
      ...process.env,
      WEIR_DATA: folder,
      WEIR_ADMIN_TOKEN: token,
      WEIR_ADMIN_LISTEN: '127.0.0.1:0',
      WEIR_MANAGER_LISTEN: '127.0.0.1:0',
      WEIR_NODE_LISTEN: '127.0.0.1:0',
    },
  })
  const [{ ready: url }] = (await once(child, 'message')) as [{ ready: string }]
  return { child, url }
}

async function ask(child: ChildProcess, message: 'reset' | 'read'): Promise<number> {
  child.send(message)
  const [{ held }] = (await once(child, 'message')) as [{ held: number }]
  return held
}

/** The status of the answer; 0 when the connection broke. */
function sendTo(url: string, { method, path, headers, body }: HostileRequest): Promise<number> {
  const length = { 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve) => {
    const request = send(
      `${url}${path}`,
      { method, agent: false, headers: { 'kong-admin-token': token, ...headers, ...length } },
      (response) => response.resume().on('close', () => resolve(response.statusCode ?? 0)),
    )
    request.on('error', () => resolve(0))
    request.end(body)
  })
}
