import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { onTestFinished } from 'vitest'
import type { GatewayOrder } from '../flows/engine-gateway-child.ts'

const module = resolve(import.meta.dirname, '../flows/engine-gateway-child.ts')

/** A gateway in its own process. */
export type ForkedGateway = {
  readonly port: number
  /** Resident memory in megabytes. */
  memory(): number
  /** Kills the process. */
  kill(): Promise<void>
}

/** Forks a gateway for the duration of the test. */
export async function forkGateway(order: GatewayOrder): Promise<ForkedGateway> {
  const child = fork(module, { execArgv: ['--max-old-space-size=256'] })
  const gone = once(child, 'exit')
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await gone
  }
  onTestFinished(kill)
  child.send(order)
  const [port] = (await once(child, 'message')) as [number]
  return { port, memory: () => residentMegabytes(child.pid ?? 0), kill }
}

/** proc(5): the second number of statm is the resident set in pages of 4 KiB. */
function residentMegabytes(pid: number): number {
  return (Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * 4096) / 1e6
}
