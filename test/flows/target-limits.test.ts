import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { openGateway } from '../harness/open-gateway.ts'
import { poolSnapshot } from '../harness/pool-fixtures.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

/** A target that holds requests until released. */
async function startHolding() {
  const held: ServerResponse[] = []
  let most = 0
  const { port } = await startUpstream((_request, response) => {
    held.push(response)
    most = Math.max(most, held.length)
  })
  return {
    held,
    at: { target: `127.0.0.1:${port}`, weight: 1 },
    get most() {
      return most
    },
    answer: () => held.shift()?.end('ok'),
  }
}

const limits = { inFlight: 2, waiting: 3 }

test('limits exchanges in flight to a target, queues further ones in order, and refuses more', async () => {
  const [a, b] = [await startHolding(), await startHolding()]
  const gateway = await openGateway(poolSnapshot([a.at, b.at]), { pools: { limits } })
  const statuses: number[] = []
  const ask = (): Promise<void> => gateway.ask('/').then(({ status }) => void statuses.push(status))
  const responses = Array.from({ length: 4 }, ask)
  await until('both are full', () => a.held.length === 2 && b.held.length === 2)
  const waiting = Array.from({ length: 3 }, ask)
  await until('all came', () => gateway.proxy.exchanges === 7)

  const refused = await gateway.ask('/')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
  expect(gateway.events.at(-1)).toMatchObject({
    reason: 'upstream.busy',
    outcome: 'failed',
    tries: 0,
  })

  // Waiting requests outlive the program that queued them.
  gateway.reconfigure(poolSnapshot([a.at, b.at]))
  while (statuses.length < 7) {
    for (const target of [a, b]) target.answer()
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await Promise.all([...responses, ...waiting])
  expect([a.most, b.most, statuses]).toEqual([2, 2, Array.from({ length: 7 }, () => 200)])
})

test('refuses an exchange that waits too long, and removes one whose client disconnected', async () => {
  const a = await startHolding()
  const gateway = await openGateway(poolSnapshot([a.at], {}, { connect_timeout: 2_000 }), {
    pools: { limits },
  })
  const responses = [gateway.ask('/'), gateway.ask('/')]
  await until('it is full', () => a.held.length === 2)
  const leaver = new AbortController()
  const left = gateway.ask('/', { signal: leaver.signal }).catch(() => undefined)
  await until('it came', () => gateway.proxy.exchanges === 3)
  leaver.abort()
  await left
  await until('it is gone', () => gateway.proxy.exchanges === 2)
  expect((await gateway.ask('/')).status).toBe(503)
  a.answer()
  a.answer()
  await Promise.all(responses)
  const last = gateway.ask('/')
  await until('the target has the request', () => a.held.length === 1)
  a.answer()
  expect((await last).status).toBe(200)
})
