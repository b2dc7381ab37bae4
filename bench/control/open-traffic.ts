import { fork } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { stopProcess } from '../processes.ts'
import type { TrafficLap, TrafficOrder } from './traffic-child.ts'

const module = resolve(import.meta.dirname, 'traffic-child.ts')

/** An upstream, and a steady load for it through the proxy, in a process of their own. */
export type Traffic = {
  /** The port of the upstream, which answers with the path of the request. */
  readonly port: number
  /** Starts to send 200 requests a second on 20 connections. */
  start(url: string): void
  /** The requests since the lap before. */
  lap(): Promise<TrafficLap>
  close(): Promise<void>
}

export async function openTraffic(): Promise<Traffic> {
  const child = fork(module)
  const send = (order: TrafficOrder): void => void child.send(order)
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    port,
    start: (url) => send({ start: { url, connections: 20, rate: 200 } }),
    async lap() {
      const answered = once(child, 'message')
      send('lap')
      const [lap] = (await answered) as [TrafficLap]
      return lap
    },
    close: () => stopProcess(child),
  }
}
