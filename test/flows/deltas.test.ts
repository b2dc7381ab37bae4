import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { startUpstream } from '../harness/start-upstream.ts'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

async function weirWithService(): Promise<TestWeir> {
  const { port } = await startUpstream((_request, response) => response.end('ok'))
  const weir = await startWeir()
  await weir.admin('PUT', '/services/api', { host: '127.0.0.1', port })
  return weir
}

/** Adds a route whose path is its name. */
async function addRoute(weir: TestWeir, name: string): Promise<void> {
  const route = { paths: [`/${name}`], service: { name: 'api' } }
  const { status } = await weir.admin('PUT', `/routes/${name}`, route)
  expect(status).toBe(200)
}

const statusOf = async (weir: TestWeir, name: string): Promise<number> => {
  const headers = { connection: 'close' }
  return (await fetch(`${weir.proxyUrl}/${name}`, { headers })).status
}

/** Waits until a route is served by every worker; the connections are spread over them. */
const untilServed = (weir: TestWeir, name: string): Promise<boolean> =>
  until(`the route ${name} is served by all workers`, async () => {
    const statuses = Array.from({ length: 12 }, () => statusOf(weir, name))
    return (await Promise.all(statuses)).every((status) => status === 200)
  })

test(
  'workers that are killed in the middle of changes run the last one, from the control plane or from their disk',
  { timeout: 300_000 },
  async () => {
    const weir = await weirWithService()
    const changes = 60
    for (let change = 0; change < changes; change += 1) {
      await addRoute(weir, `r${change}`)
      if (change % 10 !== 5) continue
      const [worker = 0] = weir.children('weir gateway')
      process.kill(worker, 'SIGKILL')
      await until('the worker is replaced', () => {
        const workers = weir.children('weir gateway')
        return workers.length === 2 && !workers.includes(worker)
      })
    }
    await untilServed(weir, `r${changes - 1}`)
    const [control = 0] = weir.children('weir control')
    process.kill(control, 'SIGSTOP')
    onTestFinished(() => void process.kill(control, 'SIGCONT'))
    for (const pid of weir.children('weir gateway')) process.kill(pid, 'SIGKILL')
    for (const name of ['r0', 'r5', `r${changes - 1}`]) await untilServed(weir, name)
    process.kill(control, 'SIGCONT')
    await addRoute(weir, 'after')
    await untilServed(weir, 'after')
    expect(weir.output()).not.toContain('snapshot refused')
    expect(weir.output()).not.toContain('cannot be read')
  },
)

test(
  'a worker that is stopped delays no change of the others, and has them all when it continues',
  { timeout: 300_000 },
  async () => {
    const weir = await weirWithService()
    await addRoute(weir, 'first')
    await untilServed(weir, 'first')
    const [stopped = 0, other = 0] = weir.children('weir gateway')
    process.kill(stopped, 'SIGSTOP')
    onTestFinished(() => void process.kill(stopped, 'SIGCONT'))
    for (let change = 0; change < 50; change += 1) await addRoute(weir, `r${change}`)
    // The system gives some connections to the stopped worker, where they wait.
    await until('the other worker has the last change', async () => {
      const answers = Array.from({ length: 4 }, () => statusOf(weir, 'r49'))
      const late = sleep(2_000).then(() => 0)
      return (await Promise.race([Promise.any(answers), late])) === 200
    })
    process.kill(stopped, 'SIGCONT')
    await untilServed(weir, 'r49')
    await untilServed(weir, 'r0')
    expect(new Set(weir.children('weir gateway'))).toEqual(new Set([stopped, other]))
  },
)
