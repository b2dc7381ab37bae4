import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { cores, freePort, startPinned, stopProcess, untilUp, type Started } from '../processes.ts'
import type { Weir } from '../start-weir.ts'

const module = resolve(import.meta.dirname, 'soak-upstream-child.ts')

export type FaultInjection = {
  readonly changes: number
  /** Times at which a target was killed, in milliseconds of `performance.now`. */
  readonly deaths: readonly number[]
  /** Injects no further faults; the targets keep running. */
  pause(): Promise<void>
  stop(): Promise<void>
}

/** Starts two targets and routes to them, then changes the configuration and kills a target at random times. */
export async function injectFaults(weir: Weir): Promise<FaultInjection> {
  const targets = await Promise.all([startTarget(), startTarget()])
  await weir.admin('PUT', '/upstreams/pool', {})
  for (const { port } of targets)
    await weir.admin('POST', '/upstreams/pool/targets', {
      target: `127.0.0.1:${port}`,
      weight: 100,
    })
  await weir.admin('PUT', '/services/soak', { host: 'pool', retries: 5 })
  await weir.admin('PUT', '/routes/soak', { service: { name: 'soak' }, paths: ['/soak', '/reset'] })
  const stopping = new AbortController()
  const deaths: number[] = []
  let changes = 0

  const pause = (milliseconds: number): Promise<void> =>
    sleep(milliseconds, undefined, { signal: stopping.signal }).catch(() => undefined)
  const change = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await changeSomething(weir, changes)
      changes += 1
      await pause(300 + Math.random() * 1_500)
    }
  }
  const kill = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await pause(3_000 + Math.random() * 6_000)
      const target = targets[Math.floor(Math.random() * 2)]
      if (target === undefined || stopping.signal.aborted) continue
      deaths.push(performance.now())
      target.child.kill('SIGKILL')
      await pause(500 + Math.random() * 1_000)
      target.child = await startTargetOn(target.port)
    }
  }
  const running = [change(), kill()]
  return {
    get changes() {
      return changes
    },
    deaths,
    async pause() {
      stopping.abort()
      await Promise.all(running)
    },
    async stop() {
      await Promise.all(targets.map(({ child }) => stopProcess(child)))
    },
  }
}

/** A configuration change as operators make them under traffic. */
async function changeSomething(weir: Weir, number: number): Promise<void> {
  const name = `other-${number % 5}`
  const changes = [
    () => weir.admin('PUT', `/services/${name}`, { host: '127.0.0.1', port: 9 }),
    () =>
      weir.admin('PUT', '/routes/soak', {
        service: { name: 'soak' },
        paths: ['/soak', '/reset', `/${name}`],
      }),
    () => weir.admin('PUT', '/services/soak', { host: 'pool', retries: 5, tags: [name] }),
    () => weir.admin('PUT', `/consumers/${name}`, { tags: [String(number)] }),
  ]
  await changes[number % changes.length]?.()
}

type Target = { readonly port: number; child: Started }

async function startTarget(): Promise<Target> {
  const port = await freePort()
  return { port, child: await startTargetOn(port) }
}

async function startTargetOn(port: number): Promise<Started> {
  const child = startPinned(cores?.load, [process.execPath, module, String(port)])
  await untilUp('a target', child, async () => (await fetch(`http://127.0.0.1:${port}/`)).ok)
  return child
}
