import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { readLines } from '../../src/cluster/read-lines.ts'
import { snapshotOf } from '../../src/schema/snapshot.ts'
import { renderDelta, type SealedState } from '../../src/snapshot/render-delta.ts'
import { generateSealKey } from '../../src/snapshot/seal-snapshot.ts'
import {
  listen,
  openTestControl,
  openWorker,
  seal,
  withService,
} from '../harness/open-test-control.ts'

/** Replaces the next line of a stream. */
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

const foreign = seal(withService(snapshotOf({}), 'foreign', 'x'), 1_000_000, generateSealKey())
const linesOf = (state: SealedState): string[] =>
  [...renderDelta(undefined, state)].join('').trimEnd().split('\n')
const foreignLines = linesOf(foreign)
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

type Action = (world: World) => unknown
type World = {
  readonly control: Awaited<ReturnType<typeof openTestControl>>
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
  fc.constant([
    'all streams cut',
    ({ proxy }: World) => {
      proxy.cut()
    },
  ] as const),
  {
    weight: 3,
    arbitrary: fc.constant([
      'time to connect again',
      async ({ control, workers }: World) => {
        const { root } = control.current().seal
        const isCurrent = () => workers.every((worker) => worker.last()?.seal.root === root)
        for (let wait = 0; wait < 30 && !isCurrent(); wait += 1) await sleep(5)
      },
    ] as const),
  },
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

test('every worker ends with the newest snapshot and never has an unsealed one, despite lost, damaged or truncated messages', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(actions, { minLength: 10, maxLength: 30, size: 'max' }),
      async (script) => {
        const control = await openTestControl()
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
    const control = await openTestControl()
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
    expect(worker.logged.join()).toContain('cluster: snapshot rejected')
  },
)

test('a worker refuses an older snapshot after a newer one, although it was sealed', async () => {
  const control = await openTestControl()
  const proxy = await openDamagingProxy(control.url)
  const worker = openWorker(proxy.url, control.roots, undefined)
  await expect.poll(() => worker.seen).toHaveLength(1)
  const pass: Damage = (line) => [line]
  proxy.waiting.push(pass, pass, pass, (line) => [line, ...linesOf(seal(snapshotOf({}), 1))])
  control.change('a', 'one')
  await expect.poll(() => worker.logged.join()).toContain('was sent after revision 2')
  control.change('a', 'two')
  await expect.poll(() => worker.last()?.seal.revision).toBe(3)
})

test('a worker whose snapshot is not the one that its seal names requests everything', async () => {
  const control = await openTestControl()
  control.change('a', 'one')
  const base = { ...control.current(), snapshot: snapshotOf({}) }
  control.change('b', 'two')
  const worker = openWorker(control.url, control.roots, base)
  await expect.poll(() => worker.seen.map(({ seal: { revision } }) => revision)).toEqual([3])
  expect(worker.wrong).toEqual([])
  expect(worker.logged.join()).toContain('cluster: snapshot rejected')
})

test('a forged stream is requested again less and less often', async () => {
  const control = await openTestControl()
  const proxy = await openDamagingProxy(control.url)
  proxy.waiting.push(...Array.from({ length: 10_000 }, (): Damage => () => foreignLines))
  const worker = openWorker(proxy.url, control.roots, undefined)
  const refusals = () => worker.logged.filter((line) => line.includes('snapshot rejected')).length
  await expect.poll(refusals).toBeGreaterThan(3)
  expect(worker.seen).toEqual([])
  expect(worker.connection.rejection()).toEqual({
    refusedRevision: 1_000_000,
    refusal: expect.stringContaining('seal of revision 1000000'),
  })
  expect(refusals()).toBeLessThan(40)
})
