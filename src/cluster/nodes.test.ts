import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openLog } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { Heartbeat } from '../schema/node-protocol.ts'
import { snapshotOf } from '../schema/snapshot.ts'
import { generateSealKey, publicKeyOf, sealRoot } from '../snapshot/seal-snapshot.ts'
import { openControlConnection } from './control-connection.ts'
import { openControlClient } from './control-client.ts'
import { makeNodeToken } from './node-token.ts'
import { serveNodes, type NodeServerOptions } from './serve-nodes.ts'

const empty = snapshotOf({})
const key = generateSealKey()
const order = { upstream: 'u', target: 'h:1', address: null, healthy: false }
const enrolment = {
  secret: 'join',
  node: 'n1',
  worker: 3,
  zone: 'z',
  environment: 'e',
  version: '1',
}

const published = (revision: number) => ({
  snapshot: empty,
  seal: sealRoot(empty, revision, key),
})

async function serve(more: Partial<NodeServerOptions> = {}) {
  const state = {
    current: published(1),
    listeners: new Set<() => void>(),
    joinSecret: 'join',
  }
  const batches: [string, string][] = []
  const heartbeats: [string, Heartbeat][] = []
  const server = serveNodes({
    get joinSecret() {
      return state.joinSecret
    },
    publicKey: publicKeyOf(key),
    current: () => state.current,
    onPublish(listener) {
      state.listeners.add(listener)
      return () => state.listeners.delete(listener)
    },
    async receiveBatch(batch, content, isRepeated) {
      batches.push([batch, `${String(content)}${isRepeated ? ' again' : ''}`])
      return 700
    },
    receiveUnrecorded: async () => undefined,
    receiveLines: async (batch, lines) => void batches.push([batch, `lines: ${String(lines)}`]),
    onHeartbeat({ node, worker }, beat) {
      heartbeats.push([`${node}/${worker}`, beat])
      return { targets: [order] }
    },
    log: openLog('test', () => undefined),
    ...more,
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const publish = (revision: number): void => {
    state.current = published(revision)
    for (const listener of state.listeners) listener()
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    batches,
    heartbeats,
    publish,
    state,
  }
}

const batchOf = (batch: string, content: Buffer) =>
  ({ batch, form: 'segment', content, isRepeated: false }) as const

test('sends an enrolled node the current snapshot, then every new one', async () => {
  const control = await serve()
  const client = openControlClient(control.url, enrolment)
  const revisions: number[] = []
  const all = { base: undefined, wantsAll: false }
  const following = client.receiveSnapshots(all, ({ seal, publicKey }) => {
    revisions.push(seal.revision)
    expect(publicKey).toBe(publicKeyOf(key))
  })
  await expect.poll(() => revisions).toEqual([1])
  for (const revision of [2, 3]) {
    control.publish(revision)
    await expect.poll(() => revisions.at(-1)).toBe(revision)
  }
  expect(revisions).toEqual([1, 2, 3])
  const ended = following.catch(() => 'ended')
  await client.close()
  expect(await ended).toBe('ended')
  await expect.poll(() => control.state.listeners.size).toBe(1)
})

test('receives batches and heartbeats with the claims of the node', async () => {
  const control = await serve()
  const client = openControlClient(control.url, enrolment)
  expect(await client.sendBatch(batchOf('batch-1', Buffer.from('events')))).toBe(700)
  const again = { ...batchOf('batch-2', Buffer.from('events')), isRepeated: true }
  expect(await client.sendBatch(again)).toBe(700)
  const older = { ...batchOf('batch-3', Buffer.from('{"a":1}\n')), form: 'lines' as const }
  expect(await client.sendBatch(older)).toBeUndefined()
  const orders = await client.sendHeartbeat({ revision: 4, spooledBytes: 0, exchanges: 1 })
  expect(orders).toEqual({ targets: [order] })
  expect(control.batches).toEqual([
    ['batch-1', 'events'],
    ['batch-2', 'events again'],
    ['batch-3', 'lines: {"a":1}\n'],
  ])
  expect(control.heartbeats).toEqual([['n1/3', { revision: 4, spooledBytes: 0, exchanges: 1 }]])
  await client.close()
})

test('returns 403 to an enrolment with the wrong join secret', async () => {
  const control = await serve()
  const stranger = openControlClient(control.url, { ...enrolment, secret: 'guess' })
  await expect(stranger.sendBatch(batchOf('b', Buffer.from('')))).rejects.toMatchObject({
    status: 403,
  })
  await stranger.close()
})

test('enrols again after a rejected token, and after a failed enrolment', async () => {
  const control = await serve()
  const client = openControlClient(control.url, enrolment)
  const send = async (batch: string) =>
    await client.sendBatch(batchOf(batch, Buffer.from(''))).then(
      () => 204,
      (error: unknown) => (error as Problem).status,
    )
  const statuses = [await send('a')]
  control.state.joinSecret = 'changed'
  statuses.push(await send('b'), await send('c'))
  control.state.joinSecret = 'join'
  statuses.push(await send('d'))
  expect(statuses).toEqual([204, 401, 403, 204])
  expect(control.batches.map(([batch]) => batch)).toEqual(['a', 'd'])
  await client.close()
})

test('returns the status with which the warehouse rejects a batch', async () => {
  const control = await serve({
    receiveBatch: () => Promise.reject(new Problem('test.line', 400, 'line 1 is not an event')),
  })
  const client = openControlClient(control.url, enrolment)
  await expect(client.sendBatch(batchOf('b', Buffer.from('x')))).rejects.toMatchObject({
    status: 400,
  })
  await client.close()
})

test.each([
  ['POST', '/v1/enrol', 'not json', {}, 400],
  ['POST', '/v1/enrol', '{"secret":"join"}', {}, 400],
  ['POST', '/v1/enrol', JSON.stringify({ ...enrolment, more: 1 }), {}, 400],
  ['POST', '/v1/enrol', 'x'.repeat(70_000), {}, 413],
  ['GET', '/v2/snapshots', null, {}, 401],
  ['GET', '/v2/snapshots', null, { authorization: 'Bearer e30.AAAA' }, 401],
  ['PUT', '/v1/batches/b', '{}', {}, 401],
  ['GET', '/v1/secrets', null, {}, 401],
])(
  '%s %s with body %s and headers %s returns %s',
  async (...[method, path, body, headers, status]) => {
    const control = await serve()
    const response = await fetch(control.url + path, {
      method,
      body,
      headers: headers as Record<string, string>,
    })
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({
      code: expect.stringContaining('node.'),
      message: expect.any(String),
    })
    expect(control.batches).toEqual([])
  },
)

const token = makeNodeToken({ node: 'n', worker: 1, zone: 'z', environment: 'e' }, 'join')

test.each([
  ['POST', '/v1/enrol', 65_536, 400],
  ['POST', '/v1/enrol', 65_537, 413],
  ['POST', '/v1/heartbeat', 4 * 1024 * 1024, 400],
  ['POST', '/v1/heartbeat', 4 * 1024 * 1024 + 1, 413],
  ['PUT', '/v1/batches/b', 16 * 1024 * 1024, 204],
  ['PUT', '/v1/batches/b', 16 * 1024 * 1024 + 1, 413],
  ['PUT', '/v1/batches/b', 24 * 1024 * 1024, 413],
  ['PUT', '/v1/heartbeat', 1, 404],
])('%s %s with %i bytes returns %i, without a log line', async (method, path, size, status) => {
  const { log, lines } = openTestLog()
  const control = await serve({ log })
  const response = await fetch(control.url + path, {
    method,
    body: 'x'.repeat(size),
    headers: { authorization: `Bearer ${token}` },
  })
  expect(response.status).toBe(status)
  await response.text()
  expect([control.batches.length, lines]).toEqual([status === 204 ? 1 : 0, []])
})

test('passes on the id of a batch as it was sent', async () => {
  const control = await serve()
  const client = openControlClient(control.url, enrolment)
  await client.sendBatch(batchOf('a/b c%', Buffer.from('x')))
  expect(control.batches).toEqual([['a/b c%', 'x']])
  await client.close()
})

/** A log whose lines a test reads. */
function openTestLog() {
  const lines: Record<string, unknown>[] = []
  const log = openLog(
    'test',
    (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  )
  return { log, lines }
}

function connect(url: string, log: ReturnType<typeof openLog>) {
  const connection = openControlConnection({
    onSnapshot: () => undefined,
    state: () => ({ revision: 1, spooledBytes: 0, exchanges: 0 }),
    onUnreachable: () => undefined,
    onOrders: () => undefined,
    log,
    heartbeatInterval: 20,
  })
  onTestFinished(() => connection.close())
  connection.connect(url, enrolment)
  return connection
}

test('logs why the control plane is unreachable and why a heartbeat failed', async () => {
  const { log, lines } = openTestLog()
  connect('http://127.0.0.1:1', log)
  const causes = (message: string) =>
    lines.filter((line) => line['message'] === message).map((line) => JSON.stringify(line['error']))
  for (const message of ['cluster: control plane unreachable', 'cluster: heartbeat failed'])
    await expect.poll(() => causes(message)[0]).toContain('ECONNREFUSED')
})

test('logs the cause of a failure, and returns only its message', async () => {
  const { log, lines } = openTestLog()
  const cause = new Error('disk of db1 is full')
  const control = await serve({
    receiveBatch: () =>
      Promise.reject(new Problem('test.insert', 503, 'The batch is not stored.', { cause })),
    log,
  })
  const response = await fetch(`${control.url}/v2/batches/b`, {
    method: 'PUT',
    body: 'x',
    headers: { authorization: `Bearer ${token}` },
  })
  expect([response.status, await response.json()]).toEqual([
    503,
    { code: 'test.insert', message: 'The batch is not stored.' },
  ])
  expect(lines).toMatchObject([
    { method: 'PUT', code: 'test.insert', error: { message: 'disk of db1 is full' } },
  ])
})

test('logs a failure to serve a node with its stack', async () => {
  const { log, lines } = openTestLog()
  const control = await serve({
    receiveBatch: () => Promise.reject(new Error('warehouse broke')),
    log,
  })
  const connection = connect(
    control.url,
    openLog('node', () => undefined),
  )
  await expect(connection.sendBatch(batchOf('b', Buffer.from('x')))).rejects.toMatchObject({
    status: 500,
  })
  expect(lines).toEqual([
    expect.objectContaining({
      level: 'error',
      message: 'cluster: node request failed',
      path: '/v2/batches/b',
      error: expect.objectContaining({ stack: expect.stringContaining('warehouse broke') }),
    }),
  ])
})

test('sends heartbeats with its state, and passes on the orders', async () => {
  const control = await serve()
  const listeners = control.state.listeners.size
  const received: unknown[] = []
  let reports = 0
  const connection = openControlConnection({
    onSnapshot: () => undefined,
    onUnreachable: () => undefined,
    state() {
      reports += 1
      return { revision: 7, spooledBytes: 1, exchanges: 2 }
    },
    onOrders: (orders) => void received.push(orders),
    log: openLog('node', () => undefined),
    heartbeatInterval: 5,
  })
  onTestFinished(() => connection.close())
  await expect(connection.sendBatch(batchOf('b', Buffer.from('x')))).rejects.toMatchObject({
    code: 'control.unknown',
    status: 503,
  })
  connection.connect(control.url, enrolment)
  await expect.poll(() => received.length).toBeGreaterThan(1)
  expect(received[0]).toEqual({ targets: [order] })
  expect(control.heartbeats[0]).toEqual(['n1/3', { revision: 7, spooledBytes: 1, exchanges: 2 }])
  await connection.sendBatch(batchOf('b', Buffer.from('x')))
  expect(control.batches).toEqual([['b', 'x']])

  const other = await serve()
  connection.connect(other.url, enrolment)
  await connection.sendBatch(batchOf('c', Buffer.from('y')))
  expect([control.batches.length, other.batches]).toEqual([1, [['c', 'y']]])
  await expect.poll(() => control.state.listeners.size).toBe(listeners)
  await connection.close()
  const before = reports
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(reports).toBe(before)
})
