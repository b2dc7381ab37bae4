import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { AdmissionLimits } from '../../src/proxy/limits.ts'
import { cores, stopProcess, usageOf } from '../processes.ts'
import type { OverloadOrder } from './overload-gateway-child.ts'
import type { ServiceOrder } from './overload-service-child.ts'

/** A gateway and the service behind it. */
export type SubjectOrder = {
  readonly service: ServiceOrder
  /** CPU per request in milliseconds. */
  readonly work: number
  readonly admission: AdmissionLimits | undefined
}

export type Subject = { readonly port: number; megabytes(): number; close(): Promise<void> }

/** Starts the proxy engine of a worker and a service, each in a process and, unless `isPinned` is false, on a core. */
export async function startSubject(
  { service, work, admission }: SubjectOrder,
  isPinned = true,
): Promise<Subject> {
  const upstream = await startChild('overload-service-child.ts', service, isPinned && cores?.load)
  const order: OverloadOrder = { upstreamPort: upstream.port, admission, work }
  const gateway = await startChild('overload-gateway-child.ts', order, isPinned && cores?.subject)
  return {
    port: gateway.port,
    megabytes: () => usageOf(gateway.child.pid ?? 0).rssMegabytes,
    async close() {
      await Promise.all([gateway, upstream].map(({ child }) => stopProcess(child)))
    },
  }
}

async function startChild(
  module: string,
  order: object,
  core: string | undefined | false,
): Promise<{ child: ChildProcess; port: number }> {
  const pinned = { execPath: 'taskset', execArgv: ['-c', core || '', process.execPath] }
  const child = fork(join(import.meta.dirname, module), core ? pinned : {})
  child.send(order)
  const [port] = (await once(child, 'message')) as [number]
  return { child, port }
}
