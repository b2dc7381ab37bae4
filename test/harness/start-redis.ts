import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished, type TestContext } from 'vitest'
import type { RedisAddress } from '../../src/proxy/plugin.ts'
import { requireProgram } from './require-program.ts'

export type TestRedis = {
  readonly address: RedisAddress
  stop(): Promise<void>
  /** Starts it again on the same port, empty. */
  start(): Promise<void>
}

export type RedisOptions = {
  /** Arguments of redis-server beside the usual ones. */
  readonly words?: readonly string[]
  /** The contents of its configuration file, which Sentinel writes to; needs `--sentinel` in `words`. */
  readonly file?: string
  /** Certificate and key in PEM files, to listen for TLS only. */
  readonly tls?: { readonly cert: string; readonly key: string }
}

/** Starts redis-server with a password for the duration of the test; skips the test when it is not installed. */
export async function startRedis(
  context: Pick<TestContext, 'skip'>,
  { words: more = [], file, tls }: RedisOptions = {},
): Promise<TestRedis> {
  const program = requireProgram(context, 'redis-server', 'valkey-server')
  const password = 'the-password-of-redis'
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'weir-redis-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const config = join(folder, 'redis.conf')
  if (file !== undefined) writeFileSync(config, file)
  let stop = async (): Promise<void> => undefined
  const start = async (): Promise<void> => {
    const ports = tls === undefined ? ['--port', port] : ['--port', 0, '--tls-port', port]
    const certificate =
      tls === undefined
        ? []
        : ['--tls-cert-file', tls.cert, '--tls-key-file', tls.key, '--tls-auth-clients', 'no']
    const words = [
      ...(file === undefined ? [] : [config]),
      ...ports,
      ...certificate,
      '--bind',
      '127.0.0.1',
      '--requirepass',
      password,
      '--dir',
      folder,
      ...(file === undefined ? ['--save', '', '--appendonly', 'no'] : []),
      ...more,
    ]
    const child = spawn(program, words.map(String))
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    stop = async () => {
      child.kill('SIGKILL')
      await ended
    }
    await new Promise<void>((resolve, reject) => {
      let output = ''
      child.stdout.on('data', (bytes) => {
        output += String(bytes)
        if (/Ready to accept connections|Sentinel ID is/.test(output)) resolve()
      })
      child.once('exit', () => reject(new Error(`redis-server exited: ${output}`)))
    })
  }
  await start()
  onTestFinished(() => stop())
  const address = {
    host: '127.0.0.1',
    port,
    username: null,
    password,
    database: 3,
    timeout: 60_000,
    ssl: tls !== undefined,
    ssl_verify: false,
    server_name: null,
  }
  return { address, start, stop: () => stop() }
}

/** redis-server does not choose a port itself. */
async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
