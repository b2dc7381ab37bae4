import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect as connectSocket, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { openLog } from '../lib/log.ts'
import { snapshotOf, type Snapshot, type SnapshotItem } from '../schema/snapshot.ts'
import { openSnapshotReader } from '../snapshot/read-delta.ts'
import { renderDelta, type SealedState } from '../snapshot/render-delta.ts'
import { generateSealKey, publicKeyOf, sealRoot } from '../snapshot/seal-snapshot.ts'
import { snapshotRoot } from '../snapshot/snapshot-root.ts'
import type { VerifiedSnapshot } from './control-client.ts'
import { openControlConnection } from './control-connection.ts'
import { makeNodeToken } from './node-token.ts'
import { readLines } from './read-lines.ts'
import { serveNodes, type NodeServerOptions } from './serve-nodes.ts'

const key = generateSealKey()
const foreignKey = generateSealKey()
const enrolment = {
  secret: 'join',
  node: 'n1',
  worker: 0,
  zone: 'z',
  environment: 'e',
  version: '1',
}

const seal = (snapshot: Snapshot, revision: number, by = key): SealedState => ({
  snapshot,
  seal: sealRoot(snapshot, revision, by),
})

const service = (id: string, name: string) =>
  ({ id, name, workspace: 'w' }) as unknown as SnapshotItem<'services'>

const withService = (snapshot: Snapshot, id: string, name: string | undefined): Snapshot => ({
  ...snapshot,
  services:
    name === undefined
      ? snapshot.services.without(id)
      : snapshot.services.with(id, service(id, name)),
})

/** A control plane that serves what is published. */
async function openControl(more: Partial<NodeServerOptions> = {}) {
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
    receiveBatch: async () => undefined,
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

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** What happens to the next line of a stream. Returns what is passed on instead. */
type Damage = (line: string) => readonly string[]

/** A proxy before a control plane that damages lines of streams. */
async function openDamagingProxy(url: string) {
  const waiting: Damage[] = []
  const server = createServer((request, response) => {
    const { method = '', headers } = request
    const forwarded = ask(url + (request.url ?? ''), { method, headers }, (answer) => {
      void passOn(answer, response)
    })
    forwarded.on('error', () => response.destroy())
    request.pipe(forwarded)
    response.on('close', () => forwarded.destroy())
  })
  const passOn = async (answer: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    response.flushHeaders()
    if (answer.headers['content-type'] !== 'application/x-ndjson') return void answer.pipe(response)
    try {
      for await (const lines of readLines(answer, 1e9)) {
        for (const line of lines) {
          const damage = line === '' ? undefined : waiting.shift()
          for (const passed of damage?.(line) ?? [line]) response.write(`${passed}\n`)
          if (damage === cutAfter) response.destroy()
        }
      }
    } catch {
      // Either side has ended the stream.
    }
    response.destroy()
  }
  const address = await listen(server)
  onTestFinished(() => server.closeAllConnections())
  return { url: address, waiting, cut: () => server.closeAllConnections() }
}

const cutAfter: Damage = (line) => [line.slice(0, line.length / 2)]

const foreign = seal(withService(snapshotOf({}), 'foreign', 'x'), 1_000_000, foreignKey)
const foreignLines = [...renderDelta(undefined, foreign)].join('').trimEnd().split('\n')
/** A line of some stream, which comes again later. */
let remembered = ''

const damages: Readonly<Record<string, Damage>> = {
  'a lost line': () => [],
  'a repeated line': (line) => [line, line],
  'an old line': (line) => {
    const old = remembered
    remembered = line
    return [old, line]
  },
  'a changed line': (line) => [line.replace(/[a-z](?=[^a-z]*$)/, 'q')],
  'a shortened line': (line) => [line.slice(0, -2)],
  'a cut stream': cutAfter,
  'a line that is not JSON': (line) => [`<${line}`],
  'the snapshot of another control plane': (line) => [...foreignLines, line],
  'another signature': (line) => [line.replace(/"signature":"..../, '"signature":"AAAA')],
}

/** A worker that verifies each snapshot it gets anew. */
function openWorker(
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
    onOrders: () => undefined,
    log: openLog('worker', (line) => void logged.push(line)),
    refusalDelay: 5,
  })
  connection.connect(url, enrolment)
  onTestFinished(() => connection.close())
  return { connection, seen, wrong, logged, last: () => seen.at(-1) ?? base }
}

type Action = (world: World) => Promise<void> | void
type World = {
  readonly control: Awaited<ReturnType<typeof openControl>>
  readonly proxy: Awaited<ReturnType<typeof openDamagingProxy>>
  readonly workers: ReturnType<typeof openWorker>[]
}

const ids = fc.constantFrom('a', 'b', 'c', 'd')
const actions: fc.Arbitrary<readonly [string, Action]> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.array(fc.tuple(ids, fc.option(fc.string(), { nil: undefined })), { maxLength: 5 }),
        fc.boolean(),
      )
      .map(
        ([changes, isSlow]) =>
          [
            `${isSlow ? 'slow' : 'quick'} changes ${JSON.stringify(changes)}`,
            async ({ control }: World) => {
              for (const [id, name] of changes) {
                control.change(id, name)
                if (isSlow) await sleep(2)
              }
            },
          ] as const,
      ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom(...Object.keys(damages)), fc.nat(2)).map(
      ([name, skipped]) =>
        [
          `${name} after ${skipped}`,
          ({ proxy }: World) => {
            const none = Array.from({ length: skipped }, (): Damage => (line) => [line])
            proxy.waiting.push(...none, damages[name] as Damage)
          },
        ] as const,
    ),
  },
  fc.constant(['all streams cut', ({ proxy }: World) => proxy.cut()] as const),
  fc.constant(['a pause', async () => void (await sleep(15))] as const),
  fc.tuple(fc.nat(1), fc.constantFrom('its own', 'an older', 'a foreign', 'no')).map(
    ([at, kind]) =>
      [
        `worker ${at} joins again with ${kind} base`,
        async ({ control, proxy, workers }: World) => {
          const former = workers[at]
          await former?.connection.close()
          const bases: Readonly<Record<string, SealedState | undefined>> = {
            'its own': former?.last(),
            'an older': former?.seen[0],
            'a foreign': foreign,
          }
          workers[at] = openWorker(proxy.url, control.roots, bases[kind])
        },
      ] as const,
  ),
)

test('every worker ends with the newest snapshot and never has one that was not sealed, whatever is lost, damaged or cut', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(actions, { minLength: 10, maxLength: 30, size: 'max' }),
      async (script) => {
        const control = await openControl()
        const proxy = await openDamagingProxy(control.url)
        const workers = [0, 1].map(() => openWorker(proxy.url, control.roots, undefined))
        const world = { control, proxy, workers }
        const all = [...workers]
        for (const [, act] of script) {
          await act(world)
          all.push(...workers)
        }
        proxy.waiting.length = 0
        control.change('last', 'x')
        for (const worker of workers) {
          const root = () => worker.last()?.seal.root
          await expect.poll(root).toBe(control.current().seal.root)
          expect(worker.connection.rejection()).toBeUndefined()
        }
        expect(all.flatMap(({ wrong }) => wrong)).toEqual([])
        for (const { connection } of all) await connection.close()
      },
    ),
    { numRuns: 25 },
  )
}, 300_000)

test.each(Object.entries(damages).filter(([name]) => !/cut|old/.test(name)))(
  'a worker refuses %s, logs it, and requests everything',
  async (_, damage) => {
    const control = await openControl()
    const proxy = await openDamagingProxy(control.url)
    const worker = openWorker(proxy.url, control.roots, undefined)
    await expect.poll(() => worker.seen).toHaveLength(1)
    // The begin of the delta, in its middle, or its end: one of them matters to each.
    const pass: Damage = (line) => [line]
    proxy.waiting.push(damage, pass, damage)
    control.change('a', 'one')
    control.change('a', 'two')
    await expect.poll(() => worker.last()?.seal.revision).toBe(3)
    expect(worker.wrong).toEqual([])
    expect(worker.logged.join()).toContain('cluster: snapshot refused')
  },
)

test('a forged stream is requested again less and less often', async () => {
  const control = await openControl()
  const proxy = await openDamagingProxy(control.url)
  proxy.waiting.push(...Array.from({ length: 10_000 }, (): Damage => () => foreignLines))
  const worker = openWorker(proxy.url, control.roots, undefined)
  const refusals = () => worker.logged.filter((line) => line.includes('snapshot refused')).length
  await expect.poll(refusals).toBeGreaterThan(3)
  expect(worker.seen).toEqual([])
  expect(worker.connection.rejection()).toEqual({
    refusedRevision: 1_000_000,
    refusal: expect.stringContaining('seal of revision 1000000'),
  })
  expect(refusals()).toBeLessThan(40)
})

test('sends a worker what differs from the snapshot that it names, or nothing', async () => {
  const control = await openControl()
  for (let at = 0; at < 500; at += 1) control.change(`s${at}`, 'x'.repeat(100))
  const base = control.current()
  const first = await openReader(control.url, base)
  const second = await openReader(control.url, base)
  control.change('s7', 'y')
  await expect.poll(() => first.revision()).toBe(502)
  await expect.poll(() => second.revision()).toBe(502)
  expect(first.bytes()).toBeLessThan(1_500)
  const stranger = await openReader(control.url, { ...base, seal: foreign.seal })
  await expect.poll(() => stranger.revision()).toBe(502)
  expect(stranger.bytes()).toBeGreaterThan(50_000)
})

/** A reader of a stream that reads when it is let. */
async function openReader(url: string, base?: SealedState) {
  const { port } = new URL(url)
  const socket = connectSocket(Number(port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const token = makeNodeToken(enrolment, 'join')
  const version = { revision: String(base?.seal.revision), root: String(base?.seal.root) }
  const query = base === undefined ? '' : `?${new URLSearchParams(version)}`
  // HTTP/1.0, so that the body is not chunked.
  socket.write(`GET /v2/snapshots${query} HTTP/1.0\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  const reader = openSnapshotReader(base)
  const received: SealedState[] = []
  let text = ''
  let size = 0
  socket.on('data', (chunk) => {
    size += chunk.length
    text += String(chunk)
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('{')) continue
      const state = reader.read(line)
      if (state !== undefined) received.push(state)
    }
  })
  await new Promise<void>((resolve) => void socket.once('data', () => resolve()))
  return {
    socket: socket as Socket,
    received,
    bytes: () => size,
    revision: () => received.at(-1)?.seal.revision,
  }
}

test('a worker that does not read costs bounded memory, delays nobody, and is sent what is newest', async () => {
  const control = await openControl()
  const stopped = await openReader(control.url)
  await expect.poll(() => stopped.revision()).toBe(1)
  stopped.socket.pause()
  const other = openWorker(control.url, control.roots, undefined)
  await expect.poll(() => other.last()?.seal.revision).toBe(1)
  const changes = 2_000
  let buffered = 0
  for (let at = 0; at < changes; at += 1) {
    control.change(`s${at % 50}`, `${at} ${'x'.repeat(20_000)}`)
    if (at % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    const lengths = [...control.responses].map(({ writableLength }) => writableLength)
    buffered = Math.max(buffered, ...lengths)
  }
  await expect.poll(() => other.last()?.seal.revision).toBe(changes + 1)
  expect(other.wrong).toEqual([])
  expect(buffered).toBeLessThan(1_500_000)
  expect(stopped.revision()).toBe(1)
  stopped.socket.resume()
  await expect.poll(() => stopped.revision()).toBe(changes + 1)
  expect(stopped.received.length).toBeLessThan(changes / 2)
  expect(snapshotRoot(stopped.received.at(-1)?.snapshot as Snapshot)).toBe(
    control.current().seal.root,
  )
})

test('a worker keeps no snapshots that it no longer needs', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const control = await openControl()
  let last: number | undefined
  const received: WeakRef<Snapshot>[] = []
  const connection = openControlConnection({
    onSnapshot({ snapshot, seal: { revision } }) {
      last = revision
      received.push(new WeakRef(snapshot))
    },
    state: () => ({ revision: 0, spooledBytes: 0, exchanges: 0 }),
    onOrders: () => undefined,
    log: openLog('worker', () => undefined),
  })
  onTestFinished(() => connection.close())
  connection.connect(control.url, enrolment)
  const changes = 1_000
  for (let at = 0; at < changes; at += 1) {
    control.change('s', String(at))
    await new Promise((resolve) => void setImmediate(resolve))
  }
  await expect.poll(() => last).toBe(changes + 1)
  await expect
    .poll(() => {
      collectGarbage()
      return received.filter((ref) => ref.deref() !== undefined).length
    })
    .toBeLessThan(10)
  expect(received.length).toBeGreaterThan(50)
})

test('disconnects a worker that reads nothing for the time allowed', async () => {
  const logged: string[] = []
  const control = await openControl({
    drainTimeout: 50,
    log: openLog('control', (line) => void logged.push(line)),
  })
  const stopped = await openReader(control.url)
  stopped.socket.pause()
  for (let at = 0; at < 40; at += 1) control.change(`s${at}`, 'x'.repeat(500_000))
  await expect.poll(() => logged.join()).toContain('disconnected because it does not read')
  await expect.poll(() => [...control.responses].every(({ destroyed }) => destroyed)).toBe(true)
})

test('forgets old publications, by their number and by what they cost', async () => {
  const { openPublications } = await import('./publications.ts')
  const publications = openPublications({ publications: 3, items: 10 })
  const states: SealedState[] = []
  let { snapshot } = seal(snapshotOf({}), 0)
  const publish = (changes: number): void => {
    for (let at = 0; at < changes; at += 1)
      snapshot = withService(snapshot, `s${at}`, String(states.length))
    const state = seal(snapshot, states.length)
    states.push(state)
    publications.add(state)
  }
  const kept = () => states.map(({ seal: { root } }) => publications.find(root) !== undefined)
  for (let count = 0; count < 5; count += 1) publish(1)
  expect(kept()).toEqual([false, false, true, true, true])
  publish(9)
  expect(kept()).toEqual([false, false, false, false, true, true])
  publish(50)
  expect(kept()).toEqual([false, false, false, false, false, false, true])
})
