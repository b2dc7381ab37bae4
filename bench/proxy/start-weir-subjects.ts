import https from 'node:https'
import { until } from '../../test/harness/until.ts'
import { cores, hasLoaded, usageOf, type Usage } from '../processes.ts'
import { startWeir, type Weir } from '../start-weir.ts'
import { key, type Subject, type SubjectOptions } from './subject.ts'

/** One Weir as two subjects: `weir` only forwards, `weir-stack` has key-auth and rate limiting. Both record every request, because recording cannot be disabled. */
export async function startWeirSubjects({
  upstream,
}: Pick<SubjectOptions, 'upstream'>): Promise<Subject[]> {
  const weir = await startWeir(cores?.subject)
  await configure(weir, new URL(upstream))
  const program = (): Usage => usageOf(weir.pid)
  const isSecure = await speaksTls(weir.secureUrl)
  const subjectAt = (name: string, path: string, close: () => Promise<void>): Subject => ({
    name,
    http: `${weir.proxyUrl}${path}`,
    https: isSecure ? `${weir.secureUrl}${path}` : undefined,
    // The first process is the supervisor; the control plane is the one that has loaded the warehouse.
    carriers: () => usageOf(weir.pid, (pid) => pid !== weir.pid && !hasLoaded(pid, 'chdb')),
    program,
    settle: () => settle(program),
    close,
  })
  return [
    subjectAt('weir', '/plain', () => weir.close()),
    subjectAt('weir-stack', '/stack', () => Promise.resolve()),
  ]
}

async function configure(weir: Weir, upstream: URL): Promise<void> {
  const at = { host: upstream.hostname, port: Number(upstream.port) }
  for (const name of ['plain', 'stack']) {
    await weir.admin('PUT', `/services/${name}`, at)
    await weir.admin('PUT', `/routes/${name}`, { service: { name }, paths: [`/${name}`] })
  }
  await weir.admin('PUT', '/consumers/bench', {})
  await weir.admin('POST', '/consumers/bench/key-auth', { key })
  const service = { name: 'stack' }
  await weir.admin('POST', '/plugins', { name: 'key-auth', service })
  const config = { second: 1_000_000_000 }
  await weir.admin('POST', '/plugins', { name: 'rate-limiting', service, config })
  const statusOf = async (path: string, headers = {}): Promise<number> =>
    (await fetch(`${weir.proxyUrl}${path}`, { headers })).status
  const isReady = async (): Promise<boolean> =>
    (await statusOf('/plain')) === 200 &&
    (await statusOf('/stack')) === 401 &&
    (await statusOf('/stack', { apikey: key })) === 200
  await until('Weir to use its configuration', isReady)
}

/** Accepts the self-signed certificate. */
function speaksTls(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = https.get(`${url}/plain`, { rejectUnauthorized: false, timeout: 2_000 })
    request.on('response', (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}

/** Waits for 250 ms with less than 20 ms of CPU time, so that shipping and storing count for their round. */
async function settle(program: () => Usage): Promise<void> {
  let before = program().cpuMicroseconds
  const isQuiet = async (): Promise<boolean> => {
    await new Promise((resolve) => setTimeout(resolve, 250))
    const now = program().cpuMicroseconds
    const spent = now - before
    before = now
    return spent < 20_000
  }
  await until('Weir to rest', isQuiet, 60_000)
}
