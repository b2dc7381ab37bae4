import { z } from 'zod'
import { expect, test } from 'vitest'
import { catalog } from '../../src/plugins/catalog.ts'
import { definePlugin, type PluginAnswer } from '../../src/proxy/plugin.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'

/** A third-party plugin. */
const robots = definePlugin({
  name: 'robots',
  about: 'Answers /robots.txt.',
  settings: z.object({ waits: z.boolean().default(false) }),
  prepare: ({ waits }) => ({
    onRequest({ request }) {
      if (request.path !== '/robots.txt') return undefined
      const answer: PluginAnswer = {
        status: 200,
        headers: { 'Content-Type': 'text/plain' },
        body: 'User-agent: *\n',
      }
      return waits ? Promise.resolve(answer) : answer
    },
  }),
})

async function gatewayWith(words: object, more: Parameters<typeof openGateway>[1] = {}) {
  const { port } = await startUpstream()
  return openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port }],
      routes: [{ name: 'all', paths: ['/'], service: 'echo', strip_path: false }],
      ...words,
    },
    more,
  )
}

test.each([{ waits: false }, { waits: true }])(
  'a plugin answers instead of the service, recorded as allowed (%j)',
  async (config) => {
    const gateway = await gatewayWith(
      {
        plugins: [
          { name: 'robots', config },
          { name: 'correlation-id', config: { echo_downstream: true } },
        ],
      },
      { catalog: [...catalog, robots] },
    )
    const response = await gateway.ask('/robots.txt')
    expect([response.status, await response.text()]).toEqual([200, 'User-agent: *\n'])
    expect(response.headers.get('content-type')).toBe('text/plain')
    expect(response.headers.get('kong-request-id')).not.toBeNull()
    expect((await gateway.ask('/else')).headers.get('via')).toBe('1.1 weir')
    expect(gateway.events[0]).toMatchObject({
      outcome: 'allowed',
      denied_by: '',
      reason: '',
      status: 200,
      upstream_status: 0,
      tries: 0,
      response_bytes: 14,
      route_name: 'all',
    })
  },
)

test('a redirect to https is recorded as allowed, a 426 as denied', async () => {
  const routes = [301, 426].map((status) => ({
    name: `r${status}`,
    paths: [`/${status}`],
    service: 'echo',
    protocols: ['https'],
    https_redirect_status_code: status,
  }))
  const gateway = await gatewayWith({ routes })
  const redirect = await gateway.ask('/301/a?b=1', { redirect: 'manual' })
  expect(redirect.headers.get('location')).toBe('https://127.0.0.1/301/a?b=1')
  expect(redirect.headers.get('x-kong-request-id')).toBe(
    gateway.events[0]?.request_id.replaceAll('-', ''),
  )
  await gateway.ask('/426')
  expect(gateway.events.map(({ status, outcome, reason }) => [status, outcome, reason])).toEqual([
    [301, 'allowed', ''],
    [426, 'denied', 'route.https'],
  ])
})

test.each([
  [200, 'allowed', ''],
  [204, 'allowed', ''],
  [302, 'allowed', ''],
  [403, 'denied', 'request-termination'],
  [503, 'denied', 'request-termination'],
])('request-termination with status %d is recorded as %s', async (status, outcome, by) => {
  const config = { status_code: status }
  const gateway = await gatewayWith({ plugins: [{ name: 'request-termination', config }] })
  const response = await gateway.ask('/', { redirect: 'manual' })
  expect(response.status).toBe(status)
  expect(response.headers.has('content-length')).toBe(status !== 204)
  expect(gateway.events).toMatchObject([{ status, outcome, denied_by: by }])
})

test.each([
  ['status', { status: 7 }],
  ['header', { status: 200, headers: { 'X-A': 'a\r\nX-B: b' } }],
])('returns 500 and logs when a plugin answers with a malformed %s', async (_, answer) => {
  const bad = definePlugin({
    name: 'bad',
    about: '',
    settings: z.object({}),
    prepare: () => ({ onRequest: () => answer }),
  })
  const logged: unknown[] = []
  const log = {
    info: () => undefined,
    warn: () => undefined,
    error: (message: string, fields?: object) => void logged.push({ message, ...fields }),
  }
  const gateway = await gatewayWith({ plugins: [{ name: 'bad' }] }, { catalog: [bad], log })
  expect((await gateway.ask('/')).status).toBe(500)
  expect(gateway.events).toMatchObject([{ status: 500, outcome: 'failed', reason: 'internal' }])
  expect(logged).toMatchObject([
    { message: 'proxy: request failed', request_id: gateway.events[0]?.request_id },
  ])
})

/** A plugin that adds its name to the response, and can throw afterwards. */
const stamp = (name: string, identifies = false) =>
  definePlugin({
    name,
    about: '',
    identifies,
    settings: z.object({ fails: z.boolean().default(false) }),
    prepare: ({ fails }) => ({
      onRequest: ({ forward }) => forward?.headers.add('X-Order', name),
      onResponse({ answerHeaders }) {
        answerHeaders.add('X-Order', name)
        if (fails) throw new Error(`${name} is broken`)
      },
    }),
  })
const stamps = [stamp('a'), stamp('b', true), stamp('c'), stamp('d')]

test('runs response plugins once, in reverse order of request plugins', async () => {
  const gateway = await gatewayWith(
    { plugins: ['d', 'b', 'a', 'c'].map((name) => ({ name })) },
    { catalog: stamps },
  )
  const response = await gateway.ask('/')
  const { headers } = (await response.json()) as { headers: Record<string, string> }
  expect(headers['x-order']).toBe('a, b, c, d')
  expect(response.headers.get('x-order')).toBe('d, c, b, a')
})

test('returns 500 with the headers of the other plugins when a response plugin throws', async () => {
  const plugins = ['a', 'b', 'c'].map((name) => ({ name, config: { fails: name === 'b' } }))
  const gateway = await gatewayWith({ plugins }, { catalog: stamps })
  const response = await gateway.ask('/')
  expect([response.status, response.headers.get('x-order')]).toEqual([500, 'c, b, a'])
  expect(gateway.events).toMatchObject([
    { status: 500, outcome: 'failed', reason: 'internal', upstream_status: 200 },
  ])
})
