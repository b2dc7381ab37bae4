import { once } from 'node:events'
import * as grpc from '@grpc/grpc-js'
import { expect, test } from 'vitest'
import { openGateway } from '../harness/open-gateway.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { callGrpc, startGrpc } from '../harness/start-grpc.ts'
import { until } from '../harness/until.ts'

const calls = (port: number, protocol = 'grpc', more: Record<string, unknown> = {}) => ({
  services: [{ name: 'echo', host: '127.0.0.1', port, protocol, ...more }],
  routes: [
    {
      name: 'echo',
      protocols: ['grpc', 'grpcs'],
      paths: ['/test.Echo'],
      strip_path: false,
      service: 'echo',
    },
  ],
})

test('forwards and records all four kinds of calls with metadata and trailers', async () => {
  const { port } = await startGrpc()
  const gateway = await openGateway(calls(port))
  const client = callGrpc(`127.0.0.1:${gateway.port}`)
  const answer = await client.once('hello')
  expect(answer.text).toBe('once hello')
  expect(answer.head.get('x-head')).toEqual(['before'])
  expect(answer.status.metadata.get('x-trailer')).toEqual(['after'])
  expect(await client.gather(['a', 'b', 'c'])).toBe('a,b,c')
  const spread: string[] = []
  for await (const part of client.spread('1,2,3')) spread.push(String(part))
  expect(spread).toEqual(['1', '2', '3'])
  const talk = client.talk()
  for (const word of ['one', 'two']) {
    talk.write(word)
    expect(await once(talk, 'data'), 'each answer comes before the next question').toEqual([
      `heard ${word}`,
    ])
  }
  talk.end()
  talk.resume()
  await once(talk, 'end')
  await until('all are recorded', () => gateway.events.length === 4)
  expect(gateway.events.map(({ path, outcome, status }) => [path, outcome, status])).toEqual(
    ['Once', 'Gather', 'Spread', 'Talk'].map((name) => [`/test.Echo/${name}`, 'allowed', 200]),
  )
})

test('forwards an error of the service with its code and message', async () => {
  const { port } = await startGrpc({
    Once: (_call: unknown, callback: grpc.sendUnaryData<string>) =>
      callback({ code: grpc.status.FAILED_PRECONDITION, details: 'nicht bereit: ü' }),
  })
  const gateway = await openGateway(calls(port))
  await expect(callGrpc(`127.0.0.1:${gateway.port}`).once('x')).rejects.toMatchObject({
    code: grpc.status.FAILED_PRECONDITION,
    details: 'nicht bereit: ü',
  })
})

test('sends refusals as gRPC statuses', async () => {
  const { port, server } = await startGrpc()
  const words = calls(port, 'grpc', { retries: 0 })
  const gateway = await openGateway({
    ...words,
    plugins: [{ name: 'key-auth' }],
    consumers: { someone: { keys: ['secret'] } },
  })
  const client = callGrpc(`127.0.0.1:${gateway.port}`)
  await expect(client.once('x')).rejects.toMatchObject({
    code: grpc.status.UNAUTHENTICATED,
    details: 'No API key found in request',
  })
  const metadata = new grpc.Metadata()
  metadata.set('apikey', 'secret')
  expect((await client.once('x', metadata)).text).toBe('once x')
  gateway.reconfigure(words)
  server.forceShutdown()
  await expect(client.once('x')).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE })
  expect(gateway.events.map(({ status, outcome }) => [status, outcome])).toEqual([
    [401, 'denied'],
    [200, 'allowed'],
    [502, 'failed'],
  ])
})

test('aborts the upstream call when a call is cancelled or its deadline passes', async () => {
  let cancelled = 0
  const { port } = await startGrpc({
    Once: (call: grpc.ServerUnaryCall<string, string>) => {
      call.on('cancelled', () => (cancelled += 1))
    },
  })
  const gateway = await openGateway(calls(port))
  const client = callGrpc(`127.0.0.1:${gateway.port}`)
  await expect(client.once('x', undefined, { deadline: Date.now() + 2_000 })).rejects.toMatchObject(
    {
      code: grpc.status.DEADLINE_EXCEEDED,
    },
  )
  await until('the service hears of it', () => cancelled === 1)
  await until('it is recorded', () => gateway.events.length === 1)
  expect(gateway.events[0]).toMatchObject({ status: 499, outcome: 'failed' })
})

test('sends no calls to a service after its GOAWAY, and loses none', async () => {
  const first = await startGrpc()
  const gateway = await openGateway(calls(first.port))
  const client = callGrpc(`127.0.0.1:${gateway.port}`)
  await client.once('before')
  const second = await startGrpc()
  gateway.reconfigure(calls(second.port))
  const shut = new Promise((resolve) => first.server.tryShutdown(resolve))
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.once('during')))
  expect(answers.map(({ text }) => text)).toEqual(Array.from({ length: 20 }, () => 'once during'))
  await shut
})

test('verifies a grpcs service and sends it the client certificate', async () => {
  const authority = await makeAuthority('test authority')
  const pair = await authority.issue({ names: ['localhost'], addresses: ['127.0.0.1'] })
  const caller = await authority.issue({ names: ['gateway'] })
  const { port } = await startGrpc({}, { pair, authority: authority.cert })
  const other = await makeAuthority('another authority')
  const words = (trusted: string) => ({
    ...calls(port, 'grpcs', {
      tls_verify: true,
      ca_certificates: ['00000000-0000-4000-8000-0000000000ca'],
      client_certificate: 'localhost',
      retries: 0,
    }),
    certificates: { localhost: pair, 'caller.example': caller },
    authorities: { '00000000-0000-4000-8000-0000000000ca': trusted },
  })
  const gateway = await openGateway(words(authority.cert))
  const credentials = grpc.credentials.createSsl(Buffer.from(authority.cert))
  const client = callGrpc(`localhost:${gateway.securePort}`, credentials)
  expect((await client.once('secret')).text).toBe('once secret')
  gateway.reconfigure(words(other.cert))
  await expect(client.once('secret')).rejects.toMatchObject({ code: grpc.status.UNAVAILABLE })
})
