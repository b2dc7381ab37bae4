import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openLog } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { Heartbeat } from '../schema/node-protocol.ts'
import type { SealedSnapshot, Snapshot } from '../schema/snapshot.ts'
import { makeSealKey, publicKeyOf, sealSnapshot } from '../snapshot/seal-snapshot.ts'
import { joinControl } from './join-control.ts'
import { receiveSnapshot } from './receive-snapshot.ts'
import { serveNodes, type NodeServing } from './serve-nodes.ts'

const empty: Snapshot = {
  format: 1,
  workspaces: [],
  services: [],
  routes: [],
  consumers: [],
  consumer_groups: [],
  keys: [],
  upstreams: [],
  plugins: [],
  certificates: [],
  snis: [],
  ca_certificates: [],
  vaults: [],
}
const key = makeSealKey()
const order = { upstream: 'u', target: 'h:1', address: null, healthy: false }
const enrolment = {
  secret: 'join',
  node: 'n1',
  worker: 3,
  zone: 'z',
  environment: 'e',
  version: '1',
}

async function serve(more: Partial<NodeServing> = {}) {
  const state = { sealed: sealSnapshot(empty, 1, key), listeners: new Set<() => void>() }
  const batches: [string, string][] = []
  const heartbeats: [string, Heartbeat][] = []
  const server = serveNodes({
    joinSecret: 'join',
    publicKey: publicKeyOf(key),
    sealed: () => state.sealed,
    onPublish(listener) {
      state.listeners.add(listener)
      return () => state.listeners.delete(listener)
    },
    receiveBatch: async (batch, lines) => void batches.push([batch, String(lines)]),
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
    state.sealed = sealSnapshot(empty, revision, key)
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

test('a node that enrols gets the present snapshot, then each that follows', async () => {
  const control = await serve()
  const line = joinControl(control.url, enrolment)
  const revisions: number[] = []
  const following = line.receiveSnapshots(({ revision }, publicKey) => {
    revisions.push(revision)
    expect(publicKey).toBe(publicKeyOf(key))
  })
  await expect.poll(() => revisions).toEqual([1])
  control.publish(2)
  control.publish(3)
  await expect.poll(() => revisions).toEqual([1, 2, 3])
  const ended = following.catch(() => 'ended')
  await line.close()
  expect(await ended).toBe('ended')
  await expect.poll(() => control.state.listeners.size).toBe(0)
})

test('batches and heartbeats arrive under the name of the node', async () => {
  const control = await serve()
  const line = joinControl(control.url, enrolment)
  await line.sendBatch('batch-1', Buffer.from('{"a":1}\n'))
  const told = await line.sendHeartbeat({ revision: 4, spooledBytes: 0, exchanges: 1 })
  expect(told).toEqual({ targets: [order] })
  expect(control.batches).toEqual([['batch-1', '{"a":1}\n']])
  expect(control.heartbeats).toEqual([['n1/3', { revision: 4, spooledBytes: 0, exchanges: 1 }]])
  await line.close()
})

test('a wrong join secret is refused, and enrolling works once the right one is known', async () => {
  const control = await serve()
  const stranger = joinControl(control.url, { ...enrolment, secret: 'guess' })
  await expect(stranger.sendBatch('b', Buffer.from(''))).rejects.toMatchObject({ status: 403 })
  await stranger.close()
})

test('a batch that the warehouse refuses comes back as its status', async () => {
  const control = await serve({
    receiveBatch: () => Promise.reject(new Problem('test.line', 400, 'line 1 is no event')),
  })
  const line = joinControl(control.url, enrolment)
  await expect(line.sendBatch('b', Buffer.from('x'))).rejects.toMatchObject({ status: 400 })
  await line.close()
})

test.each([
  ['POST', '/v1/enrol', 'not json', {}, 400],
  ['POST', '/v1/enrol', '{"secret":"join"}', {}, 400],
  ['POST', '/v1/enrol', JSON.stringify({ ...enrolment, more: 1 }), {}, 400],
  ['POST', '/v1/enrol', 'x'.repeat(70_000), {}, 413],
  ['GET', '/v1/snapshots', null, {}, 401],
  ['GET', '/v1/snapshots', null, { authorization: 'Bearer e30.AAAA' }, 401],
  ['PUT', '/v1/batches/b', '{}', {}, 401],
  ['GET', '/v1/secrets', null, {}, 401],
])(
  '%s %s with a bad body or token is %s %s %s',
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

test('a snapshot with a broken seal, or one that does not compile, changes nothing', async () => {
  const sealed = sealSnapshot(empty, 5, key)
  const publicKey = publicKeyOf(key)
  const steps: string[] = []
  const node = {
    *compile(_snapshot: Snapshot, revision: number) {
      yield
      return `program ${revision}`
    },
    swap: (program: string) => void steps.push(`swap ${program}`),
    shelf: { keep: () => Promise.resolve(void steps.push('keep')) },
  }
  const forged: SealedSnapshot[] = [
    { ...sealed, revision: 6 },
    { ...sealed, body: sealed.body.replace('[]', '[{}]') },
    { ...sealed, signature: 'AAAA' },
  ]
  for (const bad of forged)
    await expect(receiveSnapshot({ sealed: bad, publicKey }, node)).rejects.toThrow(/seal/)
  const broken = {
    ...node,
    *compile() {
      yield
      throw new Error('does not compile')
    },
  }
  await expect(receiveSnapshot({ sealed, publicKey }, broken)).rejects.toThrow('does not compile')
  expect(steps).toEqual([])
  await receiveSnapshot({ sealed, publicKey }, node)
  expect(steps).toEqual(['keep', 'swap program 5'])
})
