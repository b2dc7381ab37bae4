import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import { keepDefaultCertificate } from '../../src/proxy/keep-default-certificate.ts'
import type { Answer } from '../../src/schema/answer.ts'
import type { QueryInput } from '../../src/schema/query.ts'
import { until } from './until.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.js')

/** Token of the super-admin of a test. */
export const adminToken = 'test-admin-token-000000'

/** A running Weir with its supervisor and all planes. */
export type TestWeir = {
  readonly proxyUrl: string
  /** HTTPS URL of the proxy. */
  readonly secureUrl: string
  readonly adminUrl: string
  readonly managerUrl: string
  /** URL for remote nodes; '' unless only the control plane runs. */
  readonly nodesUrl: string
  readonly data: string
  readonly process: ChildProcess
  /** Standard output and error so far. */
  readonly output: () => string
  /** Pids of child processes by the start of their title, for example `weir gateway`. */
  children(this: void, title: string): number[]
  /** Calls the Admin API; the token defaults to that of the super-admin. */
  admin(method: string, path: string, body?: unknown, token?: string): Promise<Response>
  query(query: QueryInput, token?: string): Promise<Answer>
  /** Waits until all workers of `gateway`, by default its own, run the current revision: each applies a change independently, so the answer of one does not imply those of the others. */
  untilApplied(gateway?: Pick<TestWeir, 'children'>): Promise<void>
  stop(signal?: NodeJS.Signals): Promise<void>
}

export type WeirOptions = {
  /** Main module. Default: that of this repository. */
  readonly program?: string
  readonly command?: readonly string[]
  /** The only plane to run. */
  readonly plane?: 'gateway' | 'control'
  readonly data?: string
  readonly env?: Readonly<Record<string, string>>
  /** Called with every output. */
  readonly onOutput?: (text: string) => void
  /** Registers the stop function. Default: onTestFinished. */
  readonly onFinished?: (stop: () => Promise<void>) => void
}

type WorkerStatus = {
  readonly revision: number
  readonly workers: readonly { readonly revision: number }[]
}

/** Starts Weir on free ports, in a temporary directory unless one is given, for the duration of the test. */
export async function startWeir({
  program = main,
  command = ['start'],
  plane,
  data,
  env = {},
  onOutput = () => undefined,
  onFinished = onTestFinished,
}: WeirOptions = {}): Promise<TestWeir> {
  const directory = data ?? (await prepareDirectory())
  const free = '127.0.0.1:0'
  const listens = {
    WEIR_PROXY_LISTEN: free,
    WEIR_PROXY_SSL_LISTEN: free,
    WEIR_ADMIN_LISTEN: free,
    WEIR_MANAGER_LISTEN: free,
    WEIR_NODE_LISTEN: free,
  }
  const child = spawn(process.execPath, [program, ...command, '--data', directory], {
    env: {
      PATH: process.env['PATH'],
      ...listens,
      WEIR_WORKERS: '2',
      WEIR_ADMIN_TOKEN: adminToken,
      ...(plane === undefined ? {} : { WEIR_PLANE: plane }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let isClosed = false
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      output += String(text)
      onOutput(String(text))
    })
  // Output can follow the exit.
  child.once('close', () => (isClosed = true))
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill(signal)
      await once(child, 'exit')
    }
  }
  onFinished(async () => {
    await stop()
    if (data === undefined) rmSync(directory, { recursive: true, force: true })
  })
  const find = (name: string): string =>
    new RegExp(`${name} +(https?://\\S+)`).exec(output)?.[1] ?? ''
  const isUp = (): boolean => namesOf(plane).every((name) => find(name) !== '')
  await until('Weir to start or to give up', () => isUp() || isClosed, 180_000)
  if (!isUp()) throw new Error(`Weir did not start: ${output}`)
  const adminUrl = find('Admin API')
  const call = (url: string, method: string, body: unknown, token: string): Promise<Response> =>
    fetch(url, {
      method,
      headers: { 'kong-admin-token': token, 'content-type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
  const children = (title: string): number[] =>
    descendantsOf(child.pid ?? 0).filter((pid) => titleOf(pid).startsWith(title))
  return {
    proxyUrl: find('Proxy'),
    secureUrl: find('Proxy TLS'),
    adminUrl,
    managerUrl: find('Manager'),
    nodesUrl: find('Nodes'),
    data: directory,
    process: child,
    output: () => output,
    children,
    admin: (method, path, body, token = adminToken) => call(adminUrl + path, method, body, token),
    async query(query, token = adminToken) {
      const response = await call(`${adminUrl}/api/analytics/query`, 'POST', query, token)
      if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
      return (await response.json()) as Answer
    },
    async untilApplied(gateway = { children }) {
      await until('all workers to run the current revision', async () => {
        const response = await call(`${adminUrl}/status`, 'GET', undefined, adminToken)
        const { revision, workers } = (await response.json()) as WorkerStatus
        const missing = gateway.children('weir gateway').length - workers.length
        return missing <= 0 && workers.every((worker) => worker.revision === revision)
      })
    },
    stop,
  }
}

/** A data directory with a default certificate: to make one, each worker of a new node takes as long as for the rest of its start. */
async function prepareDirectory(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-test-'))
  const shared = resolve(import.meta.dirname, '../../node_modules/.cache/weir-test')
  const { cert } = await keepDefaultCertificate(shared)
  mkdirSync(join(directory, 'gateway'), { mode: 0o700 })
  writeFileSync(join(directory, 'gateway/default-certificate.pem'), cert, { mode: 0o600 })
  return directory
}

function namesOf(plane: WeirOptions['plane']): string[] {
  const control = ['Manager', 'Admin API']
  if (plane === undefined) return [...control, 'Proxy']
  return plane === 'control' ? control : ['Proxy']
}

function descendantsOf(root: number): number[] {
  const parents = new Map(
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => [Number(pid), parentOf(pid)]),
  )
  const found: number[] = []
  for (let next = [root]; next.length > 0;) {
    next = [...parents].flatMap(([pid, parent]) => (next.includes(parent) ? [pid] : []))
    found.push(...next)
  }
  return found
}

function parentOf(pid: string): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
  } catch {
    return 0
  }
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1')
  } catch {
    return ''
  }
}
