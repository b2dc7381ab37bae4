import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Agent, request } from 'undici'
import { expect, test } from 'vitest'
import type { NodesCompleteness } from '../../src/schema/completeness.ts'
import { mountSmallDisk } from '../harness/mount-small-disk.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

/** Number of answers by route and status; −1 for none. */
type Manifest = Map<string, number>

const signal = (weir: TestWeir, title: string, name: NodeJS.Signals): void =>
  weir.children(title).forEach((pid) => process.kill(pid, name))

/** Events and counts that have not reached the warehouse. */
const pending = (weir: TestWeir): readonly string[] =>
  ['spool', 'intake'].flatMap((folder) =>
    readdirSync(join(weir.data, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name),
  )

async function addRoute(weir: TestWeir, workspace: string, port: number, onFull: string | null) {
  const answers = [
    await weir.admin('PUT', `/workspaces/${workspace}`, { on_spool_full: onFull }),
    await weir.admin('PUT', `/${workspace}/services/s-${workspace}`, { host: '127.0.0.1', port }),
    await weir.admin('PUT', `/${workspace}/routes/r-${workspace}`, {
      paths: [`/${workspace}`],
      service: { name: `s-${workspace}` },
    }),
  ]
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
}

/** Recorded requests in the warehouse by route and status, and counts of others by workspace and kind. */
async function stored(weir: TestWeir): Promise<Record<string, number>> {
  const events = await weir.query({
    measures: ['requests.count'],
    dimensions: ['requests.workspace', 'requests.status'],
  })
  const counts = await weir.query({
    measures: ['unrecorded.count'],
    dimensions: ['unrecorded.workspace', 'unrecorded.kind'],
  })
  return Object.fromEntries([
    ...events.data.map((row) => [
      [row['requests.workspace'], row['requests.status']].join(' '),
      Number(row['requests.count']),
    ]),
    ...counts.data.map((row) => [
      [row['unrecorded.workspace'], row['unrecorded.kind']].join(' '),
      Number(row['unrecorded.count']),
    ]),
  ]) as Record<string, number>
}

test(
  'on a full disk each workspace refuses or sheds as configured, and requests shown and counted are those that were answered',
  { timeout: 300_000 },
  async (context) => {
    const upstream = await startUpstream((_, response) => response.end('hello'))
    const data = mkdtempSync(join(tmpdir(), 'weir-full-'))
    mountSmallDisk(context, join(data, 'spool'), 1024 * 1024)
    const weir = await startWeir({ data, env: { WEIR_SPOOL_LIMIT: '100%' } })
    await addRoute(weir, 'default', upstream.port, null)
    await addRoute(weir, 'shedding', upstream.port, 'shed')
    await weir.untilApplied()
    const agent = new Agent({ connections: 8, pipelining: 1 })
    const manifest: Manifest = new Map()
    let sent = 0
    const refusals = new Set<string>()
    const send = async (route: string): Promise<number> => {
      sent += 1
      // Each is another text, so that it takes space.
      const path = `/${route}/${sent}-${'x'.repeat(1_500)}`
      const answer = await request(weir.proxyUrl + path, { dispatcher: agent }).catch(
        () => undefined,
      )
      const text = await answer?.body.text().catch(() => undefined)
      const status = text === undefined ? -1 : (answer?.statusCode ?? -1)
      manifest.set(`${route} ${status}`, (manifest.get(`${route} ${status}`) ?? 0) + 1)
      if (status === 503)
        refusals.add(
          `${String(answer?.headers['retry-after'])} ${String(text).replace(/"request_id.*/s, '')}`,
        )
      return status
    }
    const sendMany = (route: string, count: number): Promise<number[]> =>
      Promise.all(Array.from({ length: count }, () => send(route)))
    const answered = (route: string, ...statuses: number[]): number =>
      statuses.reduce((sum, status) => sum + (manifest.get(`${route} ${status}`) ?? 0), 0)

    const fill = async (): Promise<void> => {
      signal(weir, 'weir control', 'SIGSTOP')
      await until('the spool to be full', async () => {
        const statuses = await sendMany('shedding', 200)
        expect(new Set(statuses)).toEqual(new Set([200]))
        return (await sendMany('default', 8)).every((status) => status === 503)
      })
      expect(new Set(await sendMany('shedding', 100))).toEqual(new Set([200]))
      expect(new Set(await sendMany('default', 50))).toEqual(new Set([503]))
      expect(new Set(await sendMany('none', 10))).toEqual(new Set([404]))
    }
    const untilStored = async (): Promise<void> => {
      await until('all events to be stored', () => pending(weir).length === 0, 120_000)
      await until('all counts to be stored', async () => {
        const { 'shedding 200': shown = 0, 'shedding shed': shed = 0 } = await stored(weir)
        return shown + shed >= answered('shedding', 200)
      })
    }
    const expectExact = async (): Promise<void> => {
      const found = await stored(weir)
      const of = (key: string): number => found[key] ?? 0
      expect(of('shedding shed')).toBeGreaterThan(0)
      expect(of('shedding 200') + of('shedding shed')).toBe(answered('shedding', 200))
      expect(of('default 200')).toBe(answered('default', 200))
      expect(of('default 503') + of('default refused')).toBe(answered('default', 503))
      expect(of(' 404') + of(' refused')).toBe(answered('none', 404))
    }

    await fill()
    expect([...refusals]).toEqual([
      expect.stringMatching(/^5 .*the event spool of the gateway is full/),
    ])
    signal(weir, 'weir control', 'SIGCONT')
    await untilStored()
    await expectExact()
    const { 'shedding shed': shed = 0 } = await stored(weir)
    const metric = (kind: string): RegExp =>
      new RegExp(`weir_unrecorded_events_total\\{.*kind="${kind}"\\} (\\d+)`, 'g')
    await until('the metrics to show it', async () => {
      const text = await (await weir.admin('GET', '/metrics')).text()
      const sum = [...text.matchAll(metric('shed'))].reduce((all, [, one]) => all + Number(one), 0)
      return sum === shed
    })

    await fill()
    signal(weir, 'weir gateway', 'SIGKILL')
    signal(weir, 'weir control', 'SIGCONT')
    await untilStored()
    await expectExact()
    await until('requests to be served again', async () => (await send('default')) === 200)
    const answeredAt = Date.now()
    await until('the warehouse to be complete up to the last answer', async () => {
      const response = await weir.admin('GET', '/api/analytics/completeness')
      const { until: time } = (await response.json()) as NodesCompleteness
      return time !== null && Date.parse(time) > answeredAt
    })
    await expectExact()
    const { completeness } = await weir.query({ measures: ['requests.count'] })
    expect(completeness?.missing).toEqual([])
    expect(Date.parse(completeness?.until ?? '')).toBeGreaterThan(answeredAt)
    await agent.destroy()
  },
)
