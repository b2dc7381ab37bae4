import type { ServerResponse } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { onTestFinished } from 'vitest'
import type { VerifiedSnapshot } from '../../src/cluster/control-client.ts'
import { openControlConnection } from '../../src/cluster/control-connection.ts'
import { serveNodes, type NodeServerOptions } from '../../src/cluster/serve-nodes.ts'
import { openLog } from '../../src/lib/log.ts'
import { snapshotOf, type Snapshot, type SnapshotItem } from '../../src/schema/snapshot.ts'
import type { SealedState } from '../../src/snapshot/render-delta.ts'
import { snapshotRoot } from '../../src/snapshot/snapshot-root.ts'
import { generateSealKey, publicKeyOf, sealRoot } from '../../src/snapshot/seal-snapshot.ts'

const key = generateSealKey()
/** A worker that may join. */
export const enrolment = {
  secret: 'join',
  node: 'n1',
  worker: 0,
  zone: 'z',
  environment: 'e',
  version: '1',
}

/** Seals a snapshot with the key of the test's control plane, or with another. */
export const seal = (snapshot: Snapshot, revision: number, by = key): SealedState => ({
  snapshot,
  seal: sealRoot(snapshot, revision, by),
})

const service = (id: string, name: string) =>
  ({ id, name, workspace: 'w' }) as unknown as SnapshotItem<'services'>

/** The snapshot with a service of this name, or without it. */
export const withService = (
  snapshot: Snapshot,
  id: string,
  name: string | undefined,
): Snapshot => ({
  ...snapshot,
  services:
    name === undefined
      ? snapshot.services.without(id)
      : snapshot.services.with(id, service(id, name)),
})

/** A control plane with the node protocol only, and a log of its published roots. */
export async function openTestControl(more: Partial<NodeServerOptions> = {}) {
  let current = seal(snapshotOf({}), 1)
  const roots = new Map([[1, current.seal.root]])
  const listeners = new Set<() => void>()
  const responses = new Set<ServerResponse>()
  const server = serveNodes({
    joinSecret: 'join',
    publicKey: publicKeyOf(key),
    current: () => current,
    onPublish(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    receiveBatch: async () => 250,
    receiveLines: async () => undefined,
    receiveUnrecorded: async () => undefined,
    onHeartbeat: () => ({ targets: [] }),
    log: openLog('control', () => undefined),
    ...more,
  })
  server.on('request', (_, response) => responses.add(response))
  const url = await listen(server)
  onTestFinished(() => server.closeAllConnections())
  return {
    url,
    responses,
    roots,
    current: () => current,
    change(id: string, name: string | undefined): void {
      current = seal(withService(current.snapshot, id, name), current.seal.revision + 1)
      roots.set(current.seal.revision, current.seal.root)
      for (const listener of listeners) listener()
    },
  }
}

/** Lets a server listen until the end of the test; returns its URL. */
export async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A worker that verifies each snapshot it gets anew. */
export function openWorker(
  url: string,
  roots: ReadonlyMap<number, string>,
  base: SealedState | undefined,
) {
  const logged: string[] = []
  const seen: VerifiedSnapshot[] = []
  const wrong: number[] = []
  const connection = openControlConnection({
    base: Promise.resolve(base),
    onSnapshot(verified) {
      const { revision, root } = verified.seal
      const copy = snapshotOf({ services: [...verified.snapshot.services.values()] })
      const anew = JSON.parse(JSON.stringify([...copy.services.values()])) as []
      const isRight = snapshotRoot(snapshotOf({ services: anew })) === root
      if (roots.get(revision) !== root || !isRight) wrong.push(revision)
      seen.push(verified)
    },
    state: () => ({ revision: 0, spooledBytes: 0, exchanges: 0 }),
    onUnreachable: () => undefined,
    onOrders: () => undefined,
    log: openLog('worker', (line) => void logged.push(line)),
    refusalDelay: 5,
  })
  connection.connect(url, enrolment)
  onTestFinished(() => connection.close())
  return { connection, seen, wrong, logged, last: () => seen.at(-1) ?? base }
}
