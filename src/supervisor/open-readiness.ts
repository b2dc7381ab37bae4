import { Problem } from '../lib/problem.ts'
import type { ControlAddresses } from '../planes/messages.ts'
import type { PlaneAddresses } from './messages.ts'
import type { ProxyListeners } from './proxy-listeners.ts'

export type Readiness = ReturnType<typeof openReadiness>

/** Waits for the first worker of each slot and, where there is one, for the control plane. */
export function openReadiness(listeners: ProxyListeners | undefined, hasControl: boolean) {
  const ready = Promise.withResolvers<PlaneAddresses>()
  const workersReady = Promise.withResolvers<void>()
  let control: PlaneAddresses['control']
  let missing = listeners?.workers.length ?? 0
  // They may be awaited only after they were rejected.
  for (const { promise } of [ready, workersReady]) promise.catch(() => undefined)
  const check = (): void => {
    if (missing <= 0) workersReady.resolve()
    if (missing <= 0 && (control !== undefined || !hasControl))
      ready.resolve({ control, gateway: listeners?.addresses })
  }
  check()
  return {
    ready: ready.promise,
    workersReady: workersReady.promise,
    control({ joinSecret: _secret, ...addresses }: ControlAddresses) {
      control = addresses
      check()
    },
    worker() {
      missing -= 1
      check()
    },
    failed(message: string) {
      const problem = new Problem('start.failed', 500, message)
      workersReady.reject(problem)
      ready.reject(problem)
    },
  }
}
