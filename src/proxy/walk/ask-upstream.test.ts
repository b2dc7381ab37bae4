import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildExchange } from '../../../test/harness/build-target.ts'
import { buildTestSnapshot } from '../../../test/harness/build-snapshot.ts'
import { systemClock } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import { askUpstream, AttemptFailure, type Answer, type UpstreamRequest } from './ask-upstream.ts'
import type { Exchange } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import { compileProgram, type RouteProgram } from '../program.ts'

/** What a target does with a try: answers a status, or fails at a stage. */
type Deed = number | 'refuse' | 'break' | 'silence'

const deeds: Readonly<Record<Exclude<Deed, number>, () => AttemptFailure>> = {
  refuse: () => failure('connect', 502),
  break: () => failure('sent', 502),
  silence: () => failure('sent', 504),
}
const failure = (stage: 'connect' | 'sent', status: number): AttemptFailure =>
  new AttemptFailure(stage, new Problem('test.failure', status, 'it failed'))

/** A route to four targets over a client whose result is set for each attempt. */
function routeOver(plan: readonly Deed[], retries: number) {
  const snapshot = buildTestSnapshot({
    services: [{ name: 's', host: 'pool', retries }],
    upstreams: [
      {
        name: 'pool',
        targets: [1, 2, 3, 4].map((port) => ({ target: `192.0.2.1:${port}`, weight: 1 })),
      },
    ],
  })
  const program = compileProgram(snapshot, 1, {
    catalog: [],
    counters: { take: () => ({ admitted: true, counts: [] }) },
    clock: systemClock,
  })
  const service = program.tables.services.services.get('s')
  const pool = service?.pool
  const route = { service } as RouteProgram
  const tries: UpstreamRequest[] = []
  const client = {
    async send(attempt: UpstreamRequest): Promise<Answer> {
      tries.push(attempt)
      const deed = plan[tries.length - 1] ?? 200
      if (typeof deed === 'number')
        return { status: deed, headers: new HeaderList(), body: undefined }
      throw deeds[deed]()
    },
    keepOnly: () => undefined,
    close: () => Promise.resolve(),
  }
  return { tries, ask: (exchange: Exchange) => askUpstream(client, route, exchange), pool }
}

function arriving(method: string): Exchange {
  const exchange = buildExchange({ method })
  return Object.assign(exchange, { body: { present: false, replayable: true } })
}

const plans = fc.array(fc.constantFrom<Deed>(200, 404, 500, 'refuse', 'break', 'silence'), {
  maxLength: 8,
})

test('retries until an answer, the last retry, or a failure that must not be retried, and records every attempt', async () => {
  await fc.assert(
    fc.asyncProperty(
      plans,
      fc.integer({ min: 0, max: 5 }),
      fc.constantFrom('GET', 'PUT', 'POST', 'PATCH'),
      async (plan, retries, method) => {
        const { tries, ask, pool } = routeOver(plan, retries)
        const exchange = arriving(method)
        const answer = await ask(exchange).catch((error: unknown) => error as Problem)
        const mayRepeat = (deed: Deed): boolean =>
          deed === 'refuse' || (typeof deed !== 'number' && method !== 'POST' && method !== 'PATCH')
        const length = [...plan, 200].findIndex((deed) => !mayRepeat(deed as Deed)) + 1
        const expected = Math.min(length, retries + 1)
        expect(tries).toHaveLength(expected)
        const { upstream } = exchange
        expect(upstream.tries).toBe(expected)
        expect(upstream.attempts.map(({ status, failure }) => status || failure)).toEqual(
          Array.from({ length: expected }, (_, at) => {
            const deed = plan[at] ?? 200
            return typeof deed === 'number' ? deed : 'test.failure'
          }),
        )
        const targets = tries.map(({ target }) => target.port)
        expect(new Set(targets.slice(0, 4)).size).toBe(Math.min(expected, 4))
        expect(upstream.status).toBe(upstream.attempts.at(-1)?.status)
        expect(answer instanceof Problem).toBe(upstream.status === 0)
        exchange.dispose()
        expect(pool?.targets().map(({ state }) => state.inFlight)).toEqual([0, 0, 0, 0])
      },
    ),
    { numRuns: 200 },
  )
})

test('does not retry after the client left', async () => {
  const { tries, ask } = routeOver(['refuse', 'refuse'], 5)
  const exchange = arriving('GET')
  exchange.clientLeft()
  await expect(ask(exchange)).rejects.toThrow('it failed')
  expect(tries).toHaveLength(1)
})

test('sends the Host of the target unless one was decided before', async () => {
  const { tries, ask } = routeOver([], 0)
  await ask(arriving('GET'))
  const kept = arriving('GET')
  kept.forward = { path: '/x', query: 'a=1', host: 'own.example', headers: new HeaderList() }
  await ask(kept)
  expect(tries.map(({ host, path }) => [host, path])).toEqual([
    ['192.0.2.1:1', '/'],
    ['own.example', '/x?a=1'],
  ])
})
