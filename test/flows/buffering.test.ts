import { once } from 'node:events'
import http from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

const gatewayTo = (port: number, route: object) =>
  openGateway({
    services: [{ name: 'api', host: '127.0.0.1', port, retries: 0 }],
    routes: [{ paths: ['/'], service: 'api', ...route }],
  })

/** A POST with a body that the test sends. */
function post(url: string): http.ClientRequest {
  const request = http.request(url, { method: 'POST' })
  request.on('error', () => undefined)
  onTestFinished(() => void request.destroy())
  return request
}

test('a buffered request is sent to the service when it is complete', async () => {
  const seen: string[] = []
  const upstream = await startUpstream((request, response) => {
    seen.push('head')
    request.on('data', (part) => seen.push(String(part)))
    request.on('end', () => response.end('done'))
  })
  const gateway = await gatewayTo(upstream.port, { request_buffering: true })
  const request = post(`${gateway.url}/`)
  request.write('first ')
  await until('the first part is there', () => gateway.proxy.exchanges === 1)
  // A complete later request proves that the gateway had time to forward the first.
  expect(await (await gateway.ask('/')).text()).toBe('done')
  expect(seen).toEqual(['head'])
  request.end('second')
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  response.resume()
  await until('it is recorded', () => gateway.events.length === 2)
  expect(seen.slice(1).join('')).toBe('headfirst second')
})

test('an unbuffered request, or one beyond the buffer, is streamed to the service', async () => {
  for (const [route, first] of [
    [{ request_buffering: false }, 'x'],
    [{ request_buffering: true }, 'x'.repeat(70_000)],
  ] as const) {
    let received = 0
    const upstream = await startUpstream((request, response) => {
      request.on('data', (part: Buffer) => (received += part.length))
      request.on('end', () => response.end())
    })
    const gateway = await gatewayTo(upstream.port, route)
    const request = post(`${gateway.url}/`)
    request.write(first)
    await until('the first part came through', () => received === first.length)
    request.end()
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    expect([response.statusCode, received]).toEqual([200, first.length])
  }
})

test('a gRPC call is streamed to a service of any protocol, regardless of request_buffering', async () => {
  const { port } = await startUpstream((request, response) => {
    response.writeHead(200, { 'content-type': 'application/grpc' })
    request.on('data', (part: Buffer) => response.write(part))
    request.on('end', () => response.end())
  })
  const gateway = await gatewayTo(port, { request_buffering: true })
  for (const type of ['application/grpc', 'application/grpc+proto', 'Application/gRPC; a=b']) {
    const request = http.request(gateway.url, { method: 'POST', headers: { 'content-type': type } })
    request.on('error', () => undefined)
    request.write('one')
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    expect(String((await once(response, 'data'))[0]), 'the answer comes before the end').toBe('one')
    request.end()
    await once(response.resume(), 'end')
  }
})

test('the service receives nothing of a buffered request whose client disconnects', async () => {
  let requests = 0
  const upstream = await startUpstream((_request, response) => {
    requests += 1
    response.end()
  })
  const gateway = await gatewayTo(upstream.port, { request_buffering: true })
  const request = post(`${gateway.url}/`)
  request.write('half')
  await until('it is under way', () => gateway.proxy.exchanges === 1)
  request.destroy()
  await until('it is recorded', () => gateway.events.length === 1)
  expect([requests, gateway.events[0]?.status, gateway.events[0]?.tries]).toEqual([0, 499, 0])
})
