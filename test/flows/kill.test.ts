import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { expect, test } from 'vitest'
import { startUpstream } from '../harness/start-upstream.ts'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

/** `WEIR_KILL_MINUTES=10` sends fewer requests a second for as long, and kills more often. */
const milliseconds = Number(process.env['WEIR_KILL_MINUTES'] ?? 0) * 60_000
const isLong = milliseconds > 0
const requests = isLong ? 1 : 20_000
const clients = 24

type Dead = { workers: number; controls: number }

/** Sends all requests, and more until enough processes died; adds the id and status of every complete answer to `manifest` and returns how many were sent, and how many broke. */
async function fillManifest(weir: TestWeir, manifest: Map<string, number>, dead: Readonly<Dead>) {
  const agent = new Agent({ connections: clients, pipelining: 1 })
  let next = 0
  let broken = 0
  const areEnoughDead = (): boolean => dead.workers > 5 && dead.controls > 0
  const end = Date.now() + milliseconds
  const client = async (): Promise<void> => {
    while (next < requests || !areEnoughDead() || Date.now() < end) {
      if (isLong) await sleep(400)
      const index = (next += 1)
      try {
        const answer = await request(
          `${weir.proxyUrl}/${index % 7 === 0 ? 'none' : 'api'}/${index}`,
          { dispatcher: agent },
        )
        await answer.body.arrayBuffer()
        manifest.set(String(answer.headers['x-kong-request-id']), answer.statusCode)
      } catch {
        broken += 1
        await sleep(5)
      }
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  await agent.destroy()
  return { sent: next, broken }
}

/** Answers between two kills: where processes start slowly, kills must not come faster than they do. */
const answersBetweenKills = isLong ? 100 : 400

/** Kills a worker, or sometimes the control plane, at random moments until `signal` aborts, and counts the killed processes. */
async function killAtRandom(
  weir: TestWeir,
  manifest: ReadonlyMap<string, number>,
  dead: Dead,
  signal: AbortSignal,
): Promise<void> {
  let answered = 0
  while (!signal.aborted) {
    await sleep(100 + Math.random() * 500)
    if (manifest.size < answered + answersBetweenKills) continue
    answered = manifest.size
    const isControl = Math.random() < 0.25
    const pids = weir.children(isControl ? 'weir control' : 'weir gateway')
    const pid = pids[Math.floor(Math.random() * pids.length)]
    if (pid === undefined) continue
    process.kill(pid, 'SIGKILL')
    dead[isControl ? 'controls' : 'workers'] += 1
  }
}

/** Batches that are not yet in the warehouse. */
const pending = (weir: TestWeir): readonly string[] =>
  ['spool', 'intake'].flatMap((folder) =>
    readdirSync(join(weir.data, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => name),
  )

test(
  'the warehouse holds exactly one event for each answer that a client received, whatever is killed',
  { timeout: 900_000 + milliseconds },
  async () => {
    const upstream = await startUpstream((incoming, response) =>
      response.end(`hello ${incoming.url}`),
    )
    const weir = await startWeir()
    expect(
      (await weir.admin('PUT', '/services/api', { host: '127.0.0.1', port: upstream.port })).status,
    ).toBe(200)
    expect(
      (await weir.admin('PUT', '/routes/api', { paths: ['/api'], service: { name: 'api' } }))
        .status,
    ).toBe(200)
    await weir.untilApplied()

    const over = new AbortController()
    const manifest = new Map<string, number>()
    const dead = { workers: 0, controls: 0 }
    const killing = killAtRandom(weir, manifest, dead, over.signal)
    const { sent, broken } = await fillManifest(weir, manifest, dead)
    over.abort()
    await killing
    expect(dead.workers).toBeGreaterThan(5)
    expect(dead.controls).toBeGreaterThan(0)
    expect(sent).toBeGreaterThanOrEqual(requests)
    expect(manifest.size + broken).toBe(sent)
    expect(manifest.size).toBeGreaterThan(sent * 0.9)
    expect(new Set(manifest.values())).toEqual(new Set([200, 404]))

    await until('every batch to be stored', () => pending(weir).length === 0, 300_000)
    const { data } = await weir.query({
      ungrouped: true,
      dimensions: ['requests.request_id', 'requests.status'],
      limit: 50_000,
    })
    const recorded = new Map(
      data.map((row) => [row['requests.request_id'], row['requests.status']]),
    )
    expect(recorded.size, 'no event twice').toBe(data.length)
    const wrong = [...manifest].filter(([id, status]) => recorded.get(id) !== status)
    expect(wrong, 'every received answer has its event').toEqual([])
  },
)
