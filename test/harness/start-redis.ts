import { spawn } from 'node:child_process'
import { createServer, type AddressInfo } from 'node:net'
import { onTestFinished, type TestContext } from 'vitest'
import type { RedisAddress } from '../../src/proxy/plugin.ts'
import { requireProgram } from './require-program.ts'

export type TestRedis = {
  readonly address: RedisAddress
  stop(): Promise<void>
  /** Starts it again on the same port, empty. */
  start(): Promise<void>
}

/** Starts redis-server with a password for the duration of the test; skips the test when it is not installed. */
export async function startRedis(context: Pick<TestContext, 'skip'>): Promise<TestRedis> {
  const program = requireProgram(context, 'redis-server', 'valkey-server')
  const password = 'the-password-of-redis'
  const port = await freePort()
  let stop = async (): Promise<void> => undefined
  const start = async (): Promise<void> => {
    const words = ['--port', port, '--bind', '127.0.0.1', '--requirepass', password]
    const child = spawn(program, [...words.map(String), '--save', '', '--appendonly', 'no'])
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    stop = async () => {
      child.kill('SIGKILL')
      await ended
    }
    await new Promise<void>((resolve, reject) => {
      let output = ''
      child.stdout.on('data', (bytes) => {
        output += String(bytes)
        if (output.includes('Ready to accept connections')) resolve()
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
    ssl: false,
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
