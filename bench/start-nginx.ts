import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, startPinned, stopProcess, untilUp } from './processes.ts'

/** nginx with one worker. */
export type Nginx = { readonly url: string; readonly pid: number; close(): Promise<void> }

/** Directives for the `http` and `server` blocks. */
export type NginxOptions = {
  readonly core: string | undefined
  readonly http?: string
  readonly server: string
  /** Default: a free one. */
  readonly port?: number
  /** Files of its `files` folder by name. */
  readonly files?: Readonly<Record<string, string>>
}

/** Starts nginx in a temporary folder, with one server on a free port. */
export async function startNginx({
  core,
  http = '',
  server,
  port: wanted,
  files = {},
}: NginxOptions): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-nginx-'))
  // When root starts nginx, its workers run as another user.
  chmodSync(folder, 0o755)
  for (const name of ['temp', 'files']) mkdirSync(join(folder, name))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'files', name), text)
  const port = wanted ?? (await freePort())
  const file = join(folder, 'nginx.conf')
  writeFileSync(file, render(folder, http, `listen 127.0.0.1:${port} backlog=4096;\n${server}`))
  const child = startPinned(core, ['nginx', '-p', folder, '-c', file, '-e', join(folder, 'error')])
  const url = `http://127.0.0.1:${port}`
  const isUp = async (): Promise<boolean> => (await fetch(url)).status > 0
  await untilUp('nginx', child, isUp)
  return {
    url,
    pid: child.pid ?? 0,
    async close() {
      await stopProcess(child)
      rmSync(folder, { recursive: true })
    },
  }
}

const temporaries = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

function render(folder: string, http: string, server: string): string {
  return `
daemon off;
worker_processes 1;
pid ${folder}/pid;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 3600s;
  ${temporaries.map((name) => `${name}_temp_path ${folder}/temp/${name};`).join('\n  ')}
  ${http}
  server {
    ${server}
  }
}
`
}
