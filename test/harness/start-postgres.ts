import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { findProgram } from './require-program.ts'
import { until } from './until.ts'

/** A PostgreSQL server in a temporary directory. */
export type TestPostgres = {
  /** Creates an empty database and returns its URL. */
  readonly database: () => Promise<string>
  /** Stops it at once and starts it again at the same address. */
  restart(): Promise<void>
  /** Stops it at once; `restart` starts it again. */
  halt(): Promise<void>
  stop(): Promise<void>
}

/** The directory of PostgreSQL's programs; undefined when it is not installed. */
export function postgresPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql'
  for (const version of versionsIn(debian)) {
    const folder = join(debian, version, 'bin')
    if (readdirSync(folder).includes('initdb')) return folder
  }
  const found = findProgram('initdb')
  return found === undefined ? undefined : join(found, '..')
}

export async function startPostgres(programs: string): Promise<TestPostgres> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-postgres-'))
  const user = unprivilegedUser()
  if (user !== undefined) chownSync(folder, user.uid, user.gid)
  const data = join(folder, 'data')
  const command = [join(programs, 'initdb'), '-D', data, '-U', 'weir', '--auth=trust', '-E', 'UTF8']
  execFileSync(command[0] as string, command.slice(1), { stdio: 'ignore', ...user })
  const port = await freePort()
  const start = () => serve({ programs, data, port, user })
  let server = await start()
  let count = 0
  const url = (name: string): string => `postgres://weir@127.0.0.1:${port}/${name}`
  return {
    async database() {
      count += 1
      await query(url('postgres'), `create database test${count}`)
      return url(`test${count}`)
    },
    async restart() {
      await end(server, 'SIGQUIT')
      server = await start()
    },
    halt: () => end(server, 'SIGQUIT'),
    async stop() {
      await end(server, 'SIGINT')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

type Serving = {
  readonly programs: string
  readonly data: string
  readonly port: number
  readonly user: { uid: number; gid: number } | undefined
}

async function serve({ programs, data, port, user }: Serving) {
  const set = (name: string, value: string): string[] => ['-c', `${name}=${value}`]
  mkdirSync(data, { recursive: true })
  const server = spawn(
    join(programs, 'postgres'),
    [
      '-D',
      data,
      '-p',
      String(port),
      ...set('listen_addresses', '127.0.0.1'),
      ...set('unix_socket_directories', ''),
      ...set('shared_buffers', '32MB'),
      // Commits survive the end of the process, and tests need no durability beyond that.
      ...set('fsync', 'off'),
    ],
    { stdio: 'ignore', ...user },
  )
  const isUp = () =>
    query(`postgres://weir@127.0.0.1:${port}/postgres`, 'select 1').then(() => true)
  await until('PostgreSQL to answer', isUp, 120_000)
  return server
}

async function end(server: Awaited<ReturnType<typeof serve>>, signal: NodeJS.Signals) {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill(signal)
  await once(server, 'exit')
}

async function query(url: string, text: string): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query(text)
  } finally {
    await client.end().catch(() => undefined)
  }
}

function versionsIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted((a, b) => Number(b) - Number(a))
  } catch {
    return []
  }
}

/** PostgreSQL does not run as root. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody']).toString())
  return { uid: id('-u'), gid: id('-g') }
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
