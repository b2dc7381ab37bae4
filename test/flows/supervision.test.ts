import { once } from 'node:events'
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startUpstream } from '../harness/start-upstream.ts'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

/** The node of the tests that leave one running. */
let shared: TestWeir
let stopShared: (() => Promise<void>) | undefined
beforeAll(async () => {
  shared = await startWeir({ onFinished: (stop) => (stopShared = stop) })
})
afterAll(() => stopShared?.())

async function weirWithRoute(): Promise<TestWeir> {
  const { port } = await startUpstream((_request, response) => response.end('ok'))
  await shared.admin('PUT', '/services/api', { host: '127.0.0.1', port })
  await shared.admin('PUT', '/routes/api', { paths: ['/api'], service: { name: 'api' } })
  await shared.untilApplied()
  return shared
}

/** The number of recorded requests with this query. */
async function countOf(weir: TestWeir, query: string): Promise<number> {
  const { data } = await weir.query({
    measures: ['requests.count'],
    filters: [{ member: 'requests.query', operator: 'equals', values: [query] }],
  })
  return Number(data[0]?.['requests.count'])
}

const ask = (weir: TestWeir, query = '') =>
  fetch(`${weir.proxyUrl}/api${query}`, { headers: { connection: 'close' } })

test('a rate limit is exact over all workers, even when one is killed', async () => {
  const weir = await weirWithRoute()
  const limit = { name: 'rate-limiting', config: { year: 60 } }
  const added = await weir.admin('POST', '/routes/api/plugins', limit)
  const { id } = (await added.json()) as { id: string }
  await weir.untilApplied()
  const before = Number((await ask(weir)).headers.get('ratelimit-remaining'))
  const burst = async () =>
    (await Promise.all(Array.from({ length: 20 }, () => ask(weir)))).map(({ status }) => status)
  const statuses = await burst()
  const [worker = 0] = weir.children('weir gateway')
  process.kill(worker, 'SIGKILL')
  for (let turn = 0; turn < 4; turn += 1) statuses.push(...(await burst()))
  expect(statuses.filter((status) => status === 200)).toHaveLength(before)
  expect(statuses.filter((status) => status === 429)).toHaveLength(100 - before)
  await weir.admin('DELETE', `/plugins/${id}`)
})

test('refuses no connection while workers are killed or replaced', async () => {
  const weir = await weirWithRoute()
  let asking = true
  const refusals: unknown[] = []
  const asker = (async () => {
    while (asking)
      await ask(weir).catch((error: Error) =>
        refusals.push((error.cause as { code?: string }).code),
      )
  })()
  const former = weir.children('weir gateway')
  weir.process.kill('SIGHUP')
  await until('all workers are new', () => {
    const workers = weir.children('weir gateway')
    return workers.length === 2 && workers.every((pid) => !former.includes(pid))
  })
  expect(refusals, 'a reload drops nothing').toEqual([])
  for (const pid of weir.children('weir gateway')) process.kill(pid, 'SIGKILL')
  await until('the workers are back', () => weir.children('weir gateway').length === 2)
  await until('it answers', async () => (await ask(weir)).status === 200)
  asking = false
  await asker
  expect(refusals).not.toContain('ECONNREFUSED')
})

test('workers that restart without a control plane serve from the snapshot on disk', async () => {
  const weir = await weirWithRoute()
  expect((await ask(weir)).status).toBe(200)
  const [control = 0] = weir.children('weir control')
  process.kill(control, 'SIGSTOP')
  for (const pid of weir.children('weir gateway')) process.kill(pid, 'SIGKILL')
  await until('it answers from the snapshot on disk', async () => {
    const { status } = await ask(weir, '?from-disk')
    return status === 200
  })
  process.kill(control, 'SIGCONT')
  await until('its event is there', async () => (await countOf(weir, 'from-disk')) > 0)
})

test('a new worker listens with the configuration of the control plane, not with an older one on disk, and follows changes', async () => {
  const weir = await weirWithRoute()
  const folder = join(weir.data, 'gateway/snapshots')
  const [file = ''] = readdirSync(folder)
  const older = readFileSync(join(folder, file))
  await weir.admin('PUT', '/routes/new', { paths: ['/new'], service: { name: 'api' } })
  await weir.untilApplied()
  const appliedSince = (start: number): number[] =>
    [
      ...weir
        .output()
        .slice(start)
        .matchAll(/snapshot applied","revision":(\d+)/g),
    ].map((match) => Number(match[1]))
  const isNew = (former: readonly number[]) => (): boolean => {
    const workers = weir.children('weir gateway')
    return workers.length === 2 && workers.every((pid) => !former.includes(pid))
  }
  const statuses = new Set<number>()
  for (const signal of ['SIGHUP', 'SIGUSR2'] as const) {
    // As a full disk leaves it: what the workers serve could not be written.
    for (const name of readdirSync(folder)) rmSync(join(folder, name))
    writeFileSync(join(folder, '1-1'), older)
    const running = Math.max(...appliedSince(0))
    const start = weir.output().length
    const former = weir.children('weir gateway')
    let isReplacing = true
    const asking = (async () => {
      while (isReplacing)
        statuses.add(
          (await fetch(`${weir.proxyUrl}/new`, { headers: { connection: 'close' } })).status,
        )
    })()
    weir.process.kill(signal)
    await until('all workers are new', isNew(former), 120_000)
    isReplacing = false
    await asking
    expect(new Set(appliedSince(start))).toEqual(new Set([running]))
    await until('the Admin API answers', async () => (await weir.admin('GET', '/services')).ok)
    await weir.admin('PUT', `/routes/${signal}`, { paths: [`/${signal}`] })
    await weir.untilApplied()
  }
  expect([...statuses]).toEqual([200])
}, 300_000)

test('refuses to start in a data directory that is in use', async () => {
  await expect(startWeir({ data: shared.data })).rejects.toThrow(/in use by process \d+/)
})

test('names all invalid settings at once', async () => {
  const wrong = startWeir({
    env: { WEIR_WORKERS: 'many', WEIR_ADMIN_LISTEN: 'nowhere', WEIR_ADMIN_TOKEN: 'short' },
  })
  await expect(wrong).rejects.toThrow(
    /WEIR_ADMIN_LISTEN: expected HOST:PORT[^]*WEIR_WORKERS: expected a number[^]*WEIR_ADMIN_TOKEN: expected at least 16/,
  )
  const failed = await startWeir({ env: { WEIR_WORKERS: '0' } }).then(() => '', String)
  expect(failed).toMatch(/did not start: WEIR_WORKERS: expected at least 1\n$/)
})

test('names a store that cannot be opened, logged once per process', async () => {
  const env = { WEIR_DATABASE_URL: 'postgres://weir@127.0.0.1:1/none', WEIR_WORKERS: '1' }
  const failed = await startWeir({ env }).then(() => '', String)
  expect(failed).toMatch(/\nThe configuration store postgres:[^]*cannot be opened: .*ECONNREFUSED/)
  expect(failed.match(/"plane: cannot start"/g)).toHaveLength(1)
  expect(failed).not.toContain('graceful stop failed')
}, 180_000)

test('exits with the reason when its supervisor is killed', async () => {
  const weir = await startWeir({ env: { WEIR_WORKERS: '1' } })
  const ended = once(weir.process, 'exit')
  const children = weir.children('weir')
  process.kill(weir.children('weir supervisor')[0] ?? 0, 'SIGKILL')
  expect(await ended).toEqual([1, null])
  await until('the reason', () => weir.output().includes('The supervisor exited (SIGKILL)'))
  await until('its children to end', () => !children.some(isRunning), 180_000)
}, 180_000)

test('a graceful stop answers requests in flight and keeps their events, and the next start begins with the workers', async () => {
  const paths: (string | undefined)[] = []
  const { port } = await startUpstream((request, response) => {
    paths.push(request.url)
    setTimeout(() => response.end('late'), 400)
  })
  const weir = await startWeir({ env: { WEIR_WORKERS: '1' } })
  await weir.admin('PUT', '/services/slow', { host: '127.0.0.1', port })
  await weir.admin('PUT', '/routes/slow', { paths: ['/slow'], service: { name: 'slow' } })
  await until(
    'the route is served',
    async () => (await fetch(`${weir.proxyUrl}/slow`)).status === 200,
  )
  const late = fetch(`${weir.proxyUrl}/slow?last`)
  await until('it is under way', () => paths.at(-1)?.endsWith('?last'))
  const stopped = weir.stop()
  expect(await (await late).text()).toBe('late')
  await stopped
  const again = await startWeir({ data: weir.data, env: { WEIR_WORKERS: '1' } })
  // They serve from their disk, and need not share a core with the start of the control plane.
  expect(startOf(again, 'weir gateway')).toBeLessThan(startOf(again, 'weir control'))
  await until('its event is there', async () => (await countOf(again, 'last')) === 1)
})

/** When the process with a title was started, in ticks since the boot (proc(5): field 22). */
function startOf(weir: TestWeir, title: string): number {
  const stat = readFileSync(`/proc/${weir.children(title)[0]}/stat`, 'latin1')
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19])
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
