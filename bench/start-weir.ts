import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort, startPinned, stopProcess, untilUp } from './processes.ts'

/** Weir with an empty store. */
export type Weir = {
  readonly proxyUrl: string
  readonly secureUrl: string
  readonly adminUrl: string
  /** Of a super-admin of the Admin API. */
  readonly token: string
  readonly pid: number
  /** Data directory. */
  readonly data: string
  /** Calls the Admin API; throws for status 400 or above. */
  admin(method: string, path: string, body?: object): Promise<unknown>
  /** Queries the analytics API. */
  ask(path: string, body: object, signal?: AbortSignal): Promise<Response>
  close(): Promise<void>
}

export const ownRoot = join(dirname(fileURLToPath(import.meta.url)), '..')
const token = 'bench-admin-token-0000000000'

/** The main module of a checkout; that of an earlier version is main.ts. */
export const mainOf = (root: string): string =>
  ['main.js', 'main.ts']
    .map((name) => join(root, 'src', 'cli', name))
    .find((path) => existsSync(path)) ?? ''

/** Starts the program of a checkout, by default this one, with one worker and a temporary data directory. */
export async function startWeir(
  core: string | undefined,
  root = ownRoot,
  settings: Readonly<Record<string, string>> = {},
): Promise<Weir> {
  const main = mainOf(root)
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const listen = async (): Promise<string> => `127.0.0.1:${await freePort()}`
  const env = {
    WEIR_PROXY_LISTEN: await listen(),
    WEIR_PROXY_SSL_LISTEN: await listen(),
    WEIR_ADMIN_LISTEN: await listen(),
    WEIR_MANAGER_LISTEN: await listen(),
    WEIR_NODE_LISTEN: await listen(),
    WEIR_SQL_LISTEN: await listen(),
    WEIR_WORKERS: '1',
    WEIR_ADMIN_TOKEN: token,
    ...settings,
  }
  const child = startPinned(core, [process.execPath, main, 'start', '--data', folder], env)
  const adminUrl = `http://${env.WEIR_ADMIN_LISTEN}`
  const headers = { 'kong-admin-token': token, 'content-type': 'application/json' }
  const call = (method: string, path: string, body?: object, signal?: AbortSignal) =>
    fetch(`${adminUrl}${path}`, {
      method,
      headers,
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    })
  const isUp = async (): Promise<boolean> => {
    const [admin, proxy] = [
      await call('GET', '/services'),
      await fetch(`http://${env.WEIR_PROXY_LISTEN}`),
    ]
    return admin.ok && proxy.status > 0
  }
  await untilUp('Weir', child, isUp)
  return {
    proxyUrl: `http://${env.WEIR_PROXY_LISTEN}`,
    secureUrl: `https://${env.WEIR_PROXY_SSL_LISTEN}`,
    adminUrl,
    token,
    pid: child.pid ?? 0,
    data: folder,
    async admin(method, path, body) {
      const answer = await call(method, path, body)
      const text = await answer.text()
      if (!answer.ok) throw new Error(`${method} ${path} was answered ${answer.status} ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    },
    ask: (path, body, signal) => call('POST', `/api/analytics${path}`, body, signal),
    async close() {
      await stopProcess(child)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
