import { openEgress } from '../../lib/egress.ts'
import type { ServerResponse } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { startUpstream } from '../../../test/harness/start-upstream.ts'
import { until } from '../../../test/harness/until.ts'
import { HeaderList } from '../header-list.ts'
import type { Answer, UpstreamRequest } from '../walk/ask-upstream.ts'
import { openPools } from './open-http1-client.ts'
import { absentBody } from './request-body.ts'

/** Pools before a service that holds every request until it is released. */
async function startPools() {
  const held: ServerResponse[] = []
  const { port, server } = await startUpstream((_request, response) => void held.push(response))
  server.keepAliveTimeout = 0
  let now = 0
  const pools = openPools(() => now, openEgress())
  onTestFinished(() => pools.close())
  const target = { host: '127.0.0.1', port, alternatives: [] }
  const send = (): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const attempt: UpstreamRequest = {
        secure: false,
        target,
        method: 'GET',
        path: '/',
        host: 'a',
        headers: new HeaderList(),
        body: absentBody,
        upgrade: '',
        timeouts: { connect: 600_000, write: 600_000, read: 600_000 },
        onStart: () => undefined,
      }
      const connection = pools.takeIdle(attempt) ?? pools.connect(attempt)
      connection.send(attempt, { resolve, reject })
    })
  const connections = (): Promise<number> =>
    new Promise((resolve) => server.getConnections((_error, count) => resolve(count)))
  return {
    pools,
    held,
    send,
    connections,
    release: () => held.splice(0).forEach((response) => response.end()),
    pass: (milliseconds: number): void => {
      now += milliseconds
      pools.sweep(now)
    },
  }
}

test('reuses an idle connection, and closes it after a minute', async () => {
  const { held, send, release, connections, pass } = await startPools()
  for (let sent = 0; sent < 3; sent += 1) {
    const answered = send()
    await until('it arrived', () => held.length === 1)
    release()
    await answered
  }
  expect(await connections()).toBe(1)
  pass(60_000)
  await new Promise((resolve) => setImmediate(resolve))
  expect(await connections()).toBe(1)
  pass(1)
  await until('it is closed', async () => (await connections()) === 0)
})

test('closes the connection of a removed origin after its exchange', async () => {
  const { pools, held, send, release, connections } = await startPools()
  const answered = send()
  await until('it arrived', () => held.length === 1)
  pools.keepOnly(() => false)
  release()
  expect((await answered).status).toBe(200)
  await until('it is closed', async () => (await connections()) === 0)
})

test('keeps at most 512 idle connections to a target', async () => {
  const { held, send, release, connections } = await startPools()
  const answered = Array.from({ length: 530 }, send)
  await until('all arrived', () => held.length === 530)
  release()
  const statuses = (await Promise.all(answered)).map(({ status }) => status)
  expect(new Set(statuses)).toEqual(new Set([200]))
  await until('the others are closed', async () => (await connections()) === 512)
})
