import { expect, test } from 'vitest'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'

async function gatewayWith(routes: readonly Record<string, unknown>[]) {
  const upstream = await startUpstream((request, response) =>
    response.end(
      JSON.stringify({ path: request.url, prefix: request.headers['x-forwarded-prefix'] }),
    ),
  )
  return openGateway({
    services: [{ name: 'echo', host: '127.0.0.1', port: upstream.port, path: '/base' }],
    routes: routes.map((route) => ({ service: 'echo', ...route })),
  })
}

test('matches a path decoded, forwards it encoded, and records it as configured and as sent', async () => {
  const gateway = await gatewayWith([
    { name: 'words', paths: ['/café au lait'] },
    { name: 'numbers', paths: ['~/(?i)orders/(?<id>[0-9]{1,20})'] },
  ])
  expect(await (await gateway.ask('/caf%c3%a9%20au%20lait/%7Ex%2f')).json()).toEqual({
    path: '/base/~x%2F',
    prefix: '/caf%C3%A9%20au%20lait',
  })
  expect(await (await gateway.ask('/ORDERS/17/items?a=%20')).json()).toEqual({
    path: '/base/items?a=%20',
    prefix: '/ORDERS/17',
  })
  expect(
    gateway.events.map(({ route_name, route_path, path }) => [route_name, route_path, path]),
  ).toEqual([
    ['words', '/café au lait', '/caf%c3%a9%20au%20lait/%7Ex%2f'],
    ['numbers', '~/(?i)orders/(?<id>[0-9]{1,20})', '/ORDERS/17/items'],
  ])
})

test('records the path of an expression, and strips the covered part', async () => {
  const gateway = await gatewayWith([
    {
      name: 'numbers',
      expression: String.raw`http.path ~ r#"^/n/(?<id>\d+)"# && http.method == "GET"`,
    },
    { name: 'host', expression: 'http.host == "127.0.0.1" && http.path.segments.0 == "h"' },
  ])
  expect(await (await gateway.ask('/n/17/items')).json()).toMatchObject({ path: '/base/items' })
  expect(await (await gateway.ask('/h/17')).json()).toMatchObject({ path: '/base/h/17' })
  expect((await gateway.ask('/n/17', { method: 'PUT' })).status).toBe(404)
  expect(gateway.events.map(({ route_name, route_path }) => [route_name, route_path])).toEqual([
    ['numbers', String.raw`~^/n/(?<id>\d+)`],
    ['host', ''],
    ['', ''],
  ])
})

test('a gRPC route returns 415 or 426 to other requests', async () => {
  const gateway = await gatewayWith([
    { name: 'grpc', protocols: ['grpc'], paths: ['/'], strip_path: false },
  ])
  expect((await gateway.ask('/pkg.Service/Method')).status).toBe(415)
  const early = await gateway.ask('/pkg.Service/Method', {
    headers: { 'content-type': 'application/grpc' },
  })
  expect(early.status).toBe(426)
  expect(await early.json()).toMatchObject({ message: 'Please use HTTP2 protocol' })
  expect(gateway.events.map(({ route_name, reason }) => [route_name, reason])).toEqual([
    ['grpc', 'route.grpc'],
    ['grpc', 'route.http2'],
  ])
})
