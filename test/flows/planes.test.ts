import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startUpstream } from '../harness/start-upstream.ts'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

test('a gateway plane joins a control plane in another process, serves its configuration and ships its events', async () => {
  const { port } = await startUpstream((_request, response) => response.end('hello'))
  const control = await startWeir({ plane: 'control' })
  expect(control.proxyUrl).toBe('')
  expect(control.children('weir gateway')).toEqual([])
  const token = join(control.data, 'join-token')
  expect(statSync(token).mode & 0o777).toBe(0o600)
  const env = { WEIR_CONTROL_URL: `${control.nodesUrl}/`, WEIR_JOIN_TOKEN_FILE: token }
  const gateway = await startWeir({ plane: 'gateway', env })
  expect(gateway.adminUrl).toBe('')
  expect(gateway.children('weir control')).toEqual([])
  expect(gateway.children('weir gateway')).toHaveLength(2)

  await control.admin('PUT', '/services/api', { host: '127.0.0.1', port })
  await control.admin('PUT', '/routes/api', { paths: ['/api'], service: { name: 'api' } })
  const get = async (path: string) => {
    const response = await fetch(gateway.proxyUrl + path, { headers: { connection: 'close' } })
    return `${response.status} ${await response.text()}`
  }
  await control.untilApplied(gateway)
  expect(await get('/api')).toBe('200 hello')
  await until('its event is in the warehouse of the control plane', async () => {
    const { data } = await control.query({ measures: ['requests.count'] })
    return Number(data[0]?.['requests.count']) > 0
  })

  const workers = gateway.children('weir gateway')
  gateway.process.kill('SIGUSR2')
  await until(
    'the gateway plane is upgraded alone',
    () => {
      const now = gateway.children('weir gateway')
      return now.length === 2 && now.every((pid) => !workers.includes(pid))
    },
    120_000,
  )
  expect(await get('/api')).toBe('200 hello')

  await control.stop()
  expect(await get('/api'), 'proxying needs no control plane').toBe('200 hello')
  await until('it logs that the control plane is unreachable', () =>
    gateway.output().includes('cluster: control plane unreachable'),
  )
}, 300_000)

test('a gateway plane with a wrong join token logs why it cannot join, and can be stopped', async () => {
  const control = await startWeir({ plane: 'control' })
  const data = mkdtempSync(join(tmpdir(), 'weir-gateway-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  const env = { WEIR_CONTROL_URL: control.nodesUrl, WEIR_JOIN_TOKEN: 'wrong', WEIR_WORKERS: '1' }
  // The plane listens only after it has a snapshot, so its start never completes.
  let output = ''
  void startWeir({ plane: 'gateway', data, env, onOutput: (text) => (output += text) }).catch(
    () => undefined,
  )
  const refusal = 'The join token is not valid for this control plane'
  await until('the refusal is logged', () => output.includes(refusal))
  expect(output).toContain('cluster: control plane unreachable')
}, 300_000)

test.each([
  ['sidecar', {}, /WEIR_PLANE: the sidecar plane is not implemented yet/],
  ['mesh', {}, /WEIR_PLANE: expected gateway or control/],
  ['gateway', {}, /WEIR_CONTROL_URL: required by the gateway plane\nWEIR_JOIN_TOKEN or/],
  [
    'gateway',
    { WEIR_CONTROL_URL: 'nowhere', WEIR_JOIN_TOKEN: 't' },
    /WEIR_CONTROL_URL: expected http\(s\):\/\/host:port/,
  ],
  [
    'gateway',
    { WEIR_CONTROL_URL: 'http://127.0.0.1:1', WEIR_JOIN_TOKEN_FILE: '/nowhere' },
    /WEIR_JOIN_TOKEN_FILE: ENOENT/,
  ],
])('refuses to start the plane %s with settings %j', async (plane, env, message) => {
  await expect(startWeir({ command: ['start', '--plane', plane], env })).rejects.toThrow(message)
})
