import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Agent, request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { freeUdpPort, startUdpLoad, startUdpServer } from '../harness/open-udp-client.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

const limit = 1_500

test(
  'upgrades under load refuse no connection, fail no request, lose no datagram, record each once and keep limits exact, even when the new program is broken',
  { timeout: 900_000 },
  async () => {
    const { port } = await startUpstream((_request, response) => response.end('ok'))
    const [program, echo, udp] = [copyProgram(), await startUdpServer(), await freeUdpPort()]
    const weir = await startWeir({
      program: join(program, 'src/cli/main.js'),
      env: { WEIR_STREAM_LISTEN: `127.0.0.1:${udp} udp` },
    })
    await weir.admin('PUT', '/services/echo', { url: `udp://127.0.0.1:${echo.port}` })
    const datagrams = { protocols: ['udp'], destinations: [{ port: udp }] }
    await weir.admin('PUT', '/services/echo/routes/datagrams', datagrams)
    await weir.admin('PUT', '/services/api', { host: '127.0.0.1', port })
    await weir.admin('PUT', '/routes/api', { paths: ['/api'], service: { name: 'api' } })
    await weir.admin('PUT', '/routes/few', { paths: ['/few'], service: { name: 'api' } })
    const few = { name: 'rate-limiting', config: { year: limit } }
    expect((await weir.admin('POST', '/routes/few/plugins', few)).status).toBe(201)
    await weir.untilApplied()

    const load = startLoad(weir)
    const udpLoad = await startUdpLoad(udp)
    await upgrade(weir)
    await failToUpgrade(weir, join(program, 'src/planes/gateway-worker.ts'))
    await failToUpgrade(weir, join(program, 'src/planes/control-plane.ts'))
    await upgrade(weir)
    await until('all that is allowed was used', () => load.refused() > 20, 300_000)
    const { answers, failures } = await load.stop()
    expect(await udpLoad.stop()).toEqual([])

    expect(failures).toEqual([])
    expect(load.allowed()).toBe(limit)
    await until(
      'all are recorded',
      async () =>
        (await countOf(weir)) >= answers.size && (await weir.admin('GET', '/services')).ok,
      30_000,
    )
    const recorded = await recordedIds(weir)
    expect(new Set(recorded).size, 'no event twice').toBe(recorded.length)
    const known = new Set(recorded)
    expect([...answers].filter((id) => !known.has(id))).toEqual([])
  },
)

/** An installed copy of the program, which the test can break. */
function copyProgram(): string {
  const root = resolve(import.meta.dirname, '../..')
  const place = mkdtempSync(join(tmpdir(), 'weir-program-'))
  onTestFinished(() => rmSync(place, { recursive: true, force: true }))
  for (const part of ['src', 'package.json'])
    cpSync(join(root, part), join(place, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(place, 'node_modules'))
  return place
}

const processes = (weir: TestWeir): number[] => weir.children('weir ')

async function upgrade(weir: TestWeir): Promise<void> {
  const former = new Set(processes(weir))
  weir.process.kill('SIGUSR2')
  await until(
    'every process but the first is new',
    () => {
      const now = processes(weir)
      return now.length === 4 && now.every((pid) => !former.has(pid))
    },
    300_000,
  )
}

/** Upgrades to a program that cannot be loaded, then repairs it. */
async function failToUpgrade(weir: TestWeir, file: string): Promise<void> {
  const workers = weir.children('weir gateway')
  const whole = readFileSync(file, 'utf8')
  const failures = (): number => weir.output().split('upgrade: failed').length
  const before = failures()
  writeFileSync(file, 'this is no program(')
  weir.process.kill('SIGUSR2')
  await until('the upgrade is given up', () => failures() > before, 300_000)
  writeFileSync(file, whole)
  await until(
    'the old program says that it goes on',
    () => weir.output().includes('upgrade: new program failed to start, the current one continues'),
    60_000,
  )
  expect(new Set(weir.children('weir gateway'))).toEqual(new Set(workers))
  await until(
    'the Admin API answers',
    async () => {
      const answer = await weir.admin('GET', '/services').catch(() => undefined)
      return answer?.ok === true && processes(weir).length === 4
    },
    60_000,
  )
}

/** Sends requests continuously, on keep-alive and on new connections. */
function startLoad(weir: TestWeir) {
  const ended = new AbortController()
  const agent = new Agent({ connections: 6, pipelining: 1 })
  const answers = new Set<string>()
  const failures: string[] = []
  const counts = { 200: 0, 429: 0 }
  const client = async (headers: Record<string, string>, pause: number): Promise<void> => {
    for (let index = 0; !ended.signal.aborted; index += 1) {
      const path = index % 10 === 0 ? '/few' : '/api'
      try {
        const answer = await request(weir.proxyUrl + path, { dispatcher: agent, headers })
        await answer.body.dump()
        answers.add(String(answer.headers['x-kong-request-id']))
        const { statusCode } = answer
        if (path === '/few' && (statusCode === 200 || statusCode === 429)) counts[statusCode] += 1
        else if (statusCode !== 200) failures.push(`${path} was answered ${statusCode}`)
      } catch (error) {
        failures.push(String((error as Error & { code?: string }).code ?? error))
      }
      await new Promise((resolve) => setTimeout(resolve, pause))
    }
  }
  const clients = [
    ...Array.from({ length: 4 }, () => client({}, 1)),
    ...Array.from({ length: 2 }, () => client({ connection: 'close' }, 5)),
  ]
  return {
    allowed: () => counts[200],
    refused: () => counts[429],
    async stop() {
      ended.abort()
      await Promise.all(clients)
      await agent.close()
      return { answers, failures }
    },
  }
}

const countOf = async (weir: TestWeir): Promise<number> =>
  Number((await weir.query({ measures: ['requests.count'] })).data[0]?.['requests.count'])

async function recordedIds(weir: TestWeir): Promise<string[]> {
  const { data } = await weir.query({
    ungrouped: true,
    dimensions: ['requests.request_id'],
    limit: 50_000,
  })
  return data.map((row) => String(row['requests.request_id']))
}
