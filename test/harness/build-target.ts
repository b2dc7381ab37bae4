import type { Candidates } from '../../src/proxy/balance/balancers.ts'
import { newTargetState, type Target } from '../../src/proxy/balance/target.ts'
import { Exchange, type RequestHead } from '../../src/proxy/exchange.ts'
import { HeaderList } from '../../src/proxy/header-list.ts'

/** A target with defaults. */
export function buildTarget(fields: Partial<Target> & { key: string }): Target {
  return {
    host: '192.0.2.1',
    port: 80,
    alternatives: [],
    hostPort: fields.key,
    name: fields.key,
    weight: 100,
    failover: false,
    state: newTargetState(),
    ...fields,
  }
}

/** All targets are available. */
export const buildCandidates = (
  targets: readonly Target[],
  draining: readonly Target[] = [],
): Candidates => ({
  all: targets,
  available: targets,
  draining,
})

/** A new exchange with a default head. */
export function buildExchange(fields: Partial<RequestHead> = {}): Exchange {
  const head: RequestHead = {
    method: 'GET',
    scheme: 'http',
    host: 'h.example',
    port: 80,
    path: '/',
    query: '',
    headers: new HeaderList(),
    clientAddress: '198.51.100.1',
    tlsVersion: '',
    upgrade: '',
    ...fields,
  }
  return new Exchange(1, head, {} as Exchange['body'], {} as Exchange['reply'])
}
