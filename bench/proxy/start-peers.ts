import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { findProgram } from '../../test/harness/require-program.ts'
import { cores, freePort, startPinned, stopProcess, untilUp, usageOf } from '../processes.ts'
import { startNginx } from '../start-nginx.ts'
import type { Subject, SubjectOptions } from './subject.ts'

/** Starts every installed peer; the names of missing ones go to `onMissing`. */
export async function startPeers(
  options: SubjectOptions,
  onMissing: (name: string) => void,
): Promise<Subject[]> {
  const subjects = [await startNginxPeer(options)]
  for (const [name, start] of Object.entries({ haproxy: startHaproxy, caddy: startCaddy })) {
    const program = findProgram(name)
    if (program === undefined) onMissing(name)
    else subjects.push(await start(program, options))
  }
  return [...subjects, await startNodeUndici(options)]
}

async function startNginxPeer({ upstream, certificate }: SubjectOptions): Promise<Subject> {
  const port = await freePort()
  const nginx = await startNginx({
    core: cores?.subject,
    http: `
  upstream pool {
    server ${new URL(upstream).host};
    keepalive 256;
    keepalive_requests 1000000000;
  }`,
    server: `
    listen 127.0.0.1:${port} ssl backlog=4096;
    ssl_certificate ${certificate};
    ssl_certificate_key ${certificate};
    ssl_session_cache shared:sessions:1m;
    location / {
      proxy_pass http://pool;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }`,
  })
  const parts = { http: nginx.url, https: `https://127.0.0.1:${port}`, pid: nginx.pid }
  return peer('nginx', parts, () => nginx.close())
}

const startHaproxy = (
  program: string,
  { upstream, certificate }: SubjectOptions,
): Promise<Subject> =>
  startFromFile({
    name: 'haproxy',
    file: 'haproxy.cfg',
    command: (file) => [program, '-db', '-f', file],
    text: (http, https) => `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
listen proxy
  bind 127.0.0.1:${http}
  bind 127.0.0.1:${https} ssl crt ${certificate} alpn http/1.1
  server upstream ${new URL(upstream).host} pool-max-conn 256
`,
  })

const startCaddy = (program: string, { upstream, certificate }: SubjectOptions): Promise<Subject> =>
  startFromFile({
    name: 'caddy',
    file: 'Caddyfile',
    env: { GOMAXPROCS: '1' },
    command: (file) => [program, 'run', '--adapter', 'caddyfile', '--config', file],
    text: (http, https) => `
{
  admin off
  auto_https off
  log {
    level ERROR
  }
}
(pass) {
  reverse_proxy ${new URL(upstream).host} {
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
}
http://127.0.0.1:${http} {
  import pass
}
https://127.0.0.1:${https} {
  tls ${certificate} ${certificate}
  import pass
}
`,
  })

/** Node's HTTP server with undici: the cost of a Node gateway without its own engine. */
const startNodeUndici = ({ upstream, certificate }: SubjectOptions): Promise<Subject> =>
  startFromFile({
    name: 'node-undici',
    file: 'order.json',
    command: (file) => [
      process.execPath,
      resolve(import.meta.dirname, 'node-undici-child.ts'),
      file,
    ],
    text: (http, https) => JSON.stringify({ upstream, certificate, http, https }),
  })

type FromFile = {
  readonly name: string
  readonly file: string
  readonly env?: NodeJS.ProcessEnv
  readonly command: (file: string) => readonly string[]
  readonly text: (http: number, https: number) => string
}

/** Starts a program with a configuration file in a temporary folder. */
async function startFromFile({ name, file, env, command, text }: FromFile): Promise<Subject> {
  const folder = mkdtempSync(join(tmpdir(), `weir-bench-${name}-`))
  const path = join(folder, file)
  const [http, https] = [await freePort(), await freePort()]
  writeFileSync(path, text(http, https))
  const child = startPinned(cores?.subject, command(path), { HOME: folder, ...env })
  const url = `http://127.0.0.1:${http}`
  await untilUp(name, child, async () => (await fetch(url)).status === 200)
  return peer(
    name,
    { http: url, https: `https://127.0.0.1:${https}`, pid: child.pid ?? 0 },
    async () => {
      await stopProcess(child)
      rmSync(folder, { recursive: true, force: true })
    },
  )
}

function peer(
  name: string,
  { http, https, pid }: { http: string; https: string; pid: number },
  close: () => Promise<void>,
): Subject {
  const used = () => usageOf(pid)
  return {
    name,
    http,
    https,
    carriers: used,
    program: used,
    settle: () => Promise.resolve(),
    close,
  }
}
