import { until } from '../../test/harness/until.ts'
import { cores, hasLoaded, usageOf, type Usage } from '../processes.ts'
import { startNginx, type Nginx } from '../start-nginx.ts'
import { startWeir, type Weir } from '../start-weir.ts'

/** One case of the benchmark: what the proxies do beside passing on. */
export const scenarios = ['small keep-alive', 'small keep-alive, keyed, limited, recorded'] as const
/** One case. */
export type Scenario = (typeof scenarios)[number]

/** A proxy under test. */
export type Subject = {
  readonly name: string
  /** Where it listens for a case; undefined when it does not take part. */
  url(scenario: Scenario): string | undefined
  /** What the processes that carry requests used so far. */
  carriers(): Usage
  /** What the whole program used so far. */
  program(): Usage
  /** Returns when it has caught up with its own work. */
  settle(): Promise<void>
  close(): Promise<void>
}

/** The key that the keyed case shows. */
export const key = 'bench-key'

const poolOf = (upstream: string): string => `
  upstream pool {
    server ${new URL(upstream).host};
    keepalive 256;
    keepalive_requests 1000000000;
  }`

const passOn = `
    location / {
      proxy_pass http://pool;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }`

/** nginx that only passes on. */
export async function startBareNginx(upstream: string): Promise<Subject> {
  const core = cores?.subject
  const nginx = await startNginx({ core, http: poolOf(upstream), server: passOn })
  return nginxSubject('nginx', nginx, () => true)
}

/** nginx that knows keys, limits by key and writes each request to a JSON log: its nearest to the keyed case. */
export async function startKeyedNginx(upstream: string): Promise<Subject> {
  const logged = ['msec', 'request_id', 'status', 'request_method', 'uri', 'host', 'remote_addr']
  logged.push('http_user_agent', 'http_apikey', 'request_time', 'upstream_response_time')
  logged.push('bytes_sent', 'request_length')
  const http = `${poolOf(upstream)}
  map $http_apikey $known { default 0; ${key} 1; }
  limit_req_zone $http_apikey zone=keys:10m rate=1000000r/s;
  log_format event escape=json '{${logged.map((name) => `"${name}":"$${name}"`).join(',')}}';`
  const server = `
    access_log temp/access event;
    limit_req zone=keys burst=1000000 nodelay;
    if ($known = 0) { return 401; }
    ${passOn}`
  const nginx = await startNginx({ core: cores?.subject, http, server })
  return nginxSubject('nginx + key, limit, log', nginx, (scenario) => scenario === scenarios[1])
}

function nginxSubject(
  name: string,
  nginx: Nginx,
  takesPart: (scenario: Scenario) => boolean,
): Subject {
  const used = (): Usage => usageOf(nginx.pid)
  return {
    name,
    url: (scenario) => (takesPart(scenario) ? nginx.url : undefined),
    carriers: used,
    program: used,
    settle: () => Promise.resolve(),
    close: () => nginx.close(),
  }
}

/** Weir; it records in both cases, because it always does. */
export async function startWeirSubject(upstream: string): Promise<Subject> {
  const weir = await startWeir(cores?.subject)
  await configure(weir, new URL(upstream))
  const program = (): Usage => usageOf(weir.pid)
  return {
    name: 'weir',
    url: (scenario) => `${weir.proxyUrl}${scenario === scenarios[0] ? '/plain' : '/keyed'}`,
    // The supervisor is the first; the control plane is the one that holds the warehouse.
    carriers: () => usageOf(weir.pid, (pid) => pid !== weir.pid && !hasLoaded(pid, 'chdb')),
    program,
    settle: () => settle(program),
    close: () => weir.close(),
  }
}

async function configure(weir: Weir, upstream: URL): Promise<void> {
  const at = { host: upstream.hostname, port: Number(upstream.port) }
  for (const name of ['plain', 'keyed']) {
    await weir.admin('PUT', `/services/${name}`, at)
    await weir.admin('PUT', `/routes/${name}`, { service: { name }, paths: [`/${name}`] })
  }
  await weir.admin('PUT', '/consumers/bench', {})
  await weir.admin('POST', '/consumers/bench/key-auth', { key })
  const service = { name: 'keyed' }
  await weir.admin('POST', '/plugins', { name: 'key-auth', service })
  const config = { second: 1_000_000_000 }
  await weir.admin('POST', '/plugins', { name: 'rate-limiting', service, config })
  const statusOf = async (path: string, headers = {}): Promise<number> =>
    (await fetch(`${weir.proxyUrl}${path}`, { headers })).status
  const isReady = async (): Promise<boolean> =>
    (await statusOf('/plain')) === 200 &&
    (await statusOf('/keyed')) === 401 &&
    (await statusOf('/keyed', { apikey: key })) === 200
  await until('the configuration in use', isReady)
}

/** Until a quarter of a second passes with less than 20 ms of work, so that shipping and storing count for their round. */
async function settle(program: () => Usage): Promise<void> {
  let before = program().cpuMicroseconds
  const isQuiet = async (): Promise<boolean> => {
    await new Promise((resolve) => setTimeout(resolve, 250))
    const now = program().cpuMicroseconds
    const spent = now - before
    before = now
    return spent < 20_000
  }
  await until('rest', isQuiet, 60_000)
}
