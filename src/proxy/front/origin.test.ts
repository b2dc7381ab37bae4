import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { requireProgram } from '../../../test/harness/require-program.ts'
import { until } from '../../../test/harness/until.ts'
import { HeaderList } from '../header-list.ts'
import { openOrigins } from './origin.ts'

const socket = (remoteAddress: string) =>
  ({ remoteAddress, remotePort: 1, localAddress: '127.0.0.1', localPort: 8000 }) as Socket

const originsOf = (header: string, recursive: boolean, trusted = ['127.0.0.0/8', '10.0.0.0/8']) =>
  openOrigins({
    realIp: { trusted, header, recursive },
    portMaps: [{ external: 80, internal: 8000 }],
  })

/** The values of X-Forwarded-For, one for each field line. */
const forwarded: readonly (readonly string[])[] = [
  [],
  ['192.0.2.1'],
  ['192.0.2.1, 192.0.2.2'],
  ['192.0.2.1,10.0.0.1'],
  ['192.0.2.1 10.0.0.1 , 10.0.0.2 ,'],
  ['10.0.0.1, 10.0.0.2'],
  ['forged, 10.0.0.1'],
  ['192.0.2.1, forged'],
  ['192.0.2.1', '10.0.0.3'],
  ['192.0.2.1', 'forged', '10.0.0.3'],
  ['192.0.2.1', ''],
  ['192.0.2.1:4711'],
  ['[2001:db8::1]:4711, 10.0.0.1'],
  ['2001:DB8:0::1'],
  ['[2001:db8::1]'],
  ['192.0.2.1:0'],
  ['192.0.2.1:65536'],
  ['192.0.2.256'],
  ['fe80::1%eth0'],
  [','],
]

test('finds the client as nginx does, with and without real_ip_recursive', async (context) => {
  const find = await startNginx(requireProgram(context, 'nginx'))
  for (const recursive of [false, true]) {
    const origins = originsOf('x-forwarded-for', recursive)
    const { proxy, client } = origins.of(socket('127.0.0.1'), 'http')
    for (const values of forwarded) {
      const headers = new HeaderList(values.flatMap((value) => ['X-Forwarded-For', value]))
      const own = proxy?.clientOf(headers) ?? client.address
      expect([values, recursive, own]).toEqual([values, recursive, await find(values, recursive)])
    }
  }
})

test('an untrusted peer cannot set the client address, by a field or a PROXY header', () => {
  const named = { address: '192.0.2.9', port: 9 }
  for (const [peer, header] of [
    ['192.0.2.7', 'x-real-ip'],
    ['::ffff:192.0.2.7', 'proxy_protocol'],
    ['2001:db8::1', 'proxy_protocol'],
  ] as const) {
    const origins = originsOf(header, true)
    for (const protocol of ['http', 'stream'] as const) {
      const { client, proxy } = origins.of(socket(peer), protocol, named)
      expect([client.address, proxy]).toEqual([peer.replace('::ffff:', ''), undefined])
    }
  }
})

test('uses the PROXY header for streams, and for HTTP only if it is the real IP header', () => {
  const named = { address: '192.0.2.9', port: 9 }
  const client = (header: string, protocol: 'http' | 'stream'): string =>
    originsOf(header, false).of(socket('::ffff:10.1.2.3'), protocol, named).client.address
  expect(client('x-real-ip', 'stream')).toBe('192.0.2.9')
  expect(client('proxy_protocol', 'http')).toBe('192.0.2.9')
  expect(client('x-real-ip', 'http')).toBe('10.1.2.3')
})

test('translates the local port by the port maps', () => {
  const { local } = originsOf('x-real-ip', false).of(socket('192.0.2.1'), 'http')
  expect(local).toEqual({ address: '127.0.0.1', port: 80 })
})

/** Starts an nginx that tells the client of a request with these values of X-Forwarded-For. */
async function startNginx(program: string) {
  const folder = mkdtempSync(join(tmpdir(), 'weir-nginx-'))
  const path = (recursive: boolean): string => join(folder, recursive ? 'on' : 'off')
  const server = (recursive: boolean): string => `server {
    listen unix:${path(recursive)}; set_real_ip_from unix:;
    set_real_ip_from 127.0.0.0/8; set_real_ip_from 10.0.0.0/8;
    real_ip_header X-Forwarded-For; real_ip_recursive ${recursive ? 'on' : 'off'};
    location / { return 200 $remote_addr; } }`
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error;
    events {} http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p;
    fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
    ${server(false)} ${server(true)} }`,
  )
  const child = spawn(program, ['-p', folder, '-c', join(folder, 'nginx.conf')])
  onTestFinished(async () => {
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  })
  const find = async (values: readonly string[], recursive: boolean): Promise<string> => {
    const headers = values.flatMap((value) => ['X-Forwarded-For', value])
    const request = http.get({ socketPath: path(recursive), headers: ['Host', 'a', ...headers] })
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    let text = ''
    for await (const part of response) text += String(part)
    return text === 'unix:' ? '127.0.0.1' : text
  }
  await until('nginx serves', () => find([], true))
  return find
}
