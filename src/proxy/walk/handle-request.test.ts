import { openEgress } from '../../lib/egress.ts'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { buildTestSnapshot } from '../../../test/harness/build-snapshot.ts'
import { toEvent } from '../../../test/harness/event-record.ts'
import { openExchange } from '../../../test/harness/open-exchange.ts'
import { echo, startUpstream } from '../../../test/harness/start-upstream.ts'
import { systemClock } from '../../lib/clock.ts'
import { openLog } from '../../lib/log.ts'
import { Problem } from '../../lib/problem.ts'
import type { Event, EventRecord } from '../../schema/event.ts'
import type { RequestHead } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import { openHttp1Client } from '../http1/open-http1-client.ts'
import { openRequestBody } from '../http1/request-body.ts'
import { definePlugin, type PluginUse } from '../plugin.ts'
import { compileProgram } from '../program.ts'
import { discard, handleRequest } from './handle-request.ts'

type Listener = Parameters<typeof startUpstream>[0]

type Parts = {
  readonly listener?: Listener
  readonly plugin?: PluginUse
  readonly request?: Partial<RequestHead>
  readonly route?: object
  readonly body?: boolean
  readonly change?: (opened: ReturnType<typeof openExchange>) => void
  readonly enter?: () => Promise<void>
}

/** Handles one request with a service and a plugin. */
async function handle(parts: Parts) {
  const { port } = await startUpstream(parts.listener ?? ((_, response) => response.end('served')))
  const probe = definePlugin({
    name: 'probe',
    about: '',
    settings: z.object({}),
    prepare: () => parts.plugin ?? {},
  })
  const snapshot = buildTestSnapshot({
    services: [{ name: 's', host: '127.0.0.1', port, retries: 0 }],
    routes: [{ name: 'r', service: 's', paths: ['/'], ...parts.route }],
    plugins: [{ name: 'probe' }],
  })
  const counters = { take: () => ({ admitted: true, counts: [] }) }
  const program = compileProgram(snapshot, 1, { catalog: [probe], counters, clock: systemClock })
  const upstream = openHttp1Client(openEgress())
  onTestFinished(() => {
    program.close()
    return upstream.close()
  })
  const steps: string[] = []
  const events: Event[] = []
  const lines: Record<string, unknown>[] = []
  const tools = {
    node: { node: 'n', zone: '', environment: '' },
    upstream,
    record(event: EventRecord, answer: { release(): void }) {
      events.push(toEvent(event))
      answer.release()
    },
    checkRecording: () => undefined,
    log: openLog('test', (line) => void lines.push(JSON.parse(line))),
    admission: {
      enter() {
        steps.push('enter')
        return parts.enter?.()
      },
      leave: () => void steps.push('leave'),
    },
  }
  const opened = openExchange({ path: '/', ...parts.request })
  const body = openRequestBody({ length: undefined, limit: 0, onWanted: () => undefined })
  if (parts.body === true) Object.assign(opened.exchange, { body })
  parts.change?.(opened)
  const handled = handleRequest(tools, program, opened.exchange)
  return {
    handled,
    opened,
    body,
    steps,
    lines,
    events,
    response: async () => {
      await handled
      expect(events).toHaveLength(1)
      return opened.written()
    },
  }
}

test('contacts the service between request and response plugins, and leaves admission', async () => {
  const seen: string[] = []
  const { response, events, steps, lines } = await handle({
    plugin: {
      onRequest: () => void seen.push('request'),
      onResponse: ({ answerHeaders, upstream }) => {
        seen.push(`response ${upstream.status}`)
        answerHeaders.add('X-A', 'b')
      },
    },
    enter: () => Promise.resolve(),
  })
  expect(await response()).toMatchObject({
    status: 200,
    headers: { 'x-a': 'b', via: '1.1 weir' },
    body: 'served',
  })
  expect(seen).toEqual(['request', 'response 200'])
  expect(steps).toEqual(['enter', 'leave'])
  expect([events[0]?.outcome, lines]).toEqual(['allowed', []])
})

test('a route without a match is refused before admission', async () => {
  const { response, events, steps } = await handle({
    request: { path: '/no' },
    route: { paths: ['/a'] },
  })
  expect(await response()).toMatchObject({ status: 404 })
  expect(steps).toEqual([])
  expect(events).toMatchObject([{ denied_by: 'router', reason: 'route.none' }])
})

test('a redirect to https passes response plugins only', async () => {
  const { response, events, steps } = await handle({
    route: { protocols: ['https'], https_redirect_status_code: 301 },
    plugin: {
      onRequest: () => expect.unreachable(),
      onResponse: ({ answerHeaders }) => answerHeaders.add('X-A', 'b'),
    },
  })
  expect(await response()).toMatchObject({ status: 301, headers: { 'x-a': 'b' } })
  expect(steps).toEqual([])
  expect(events[0]).toMatchObject({ outcome: 'allowed', tries: 0 })
})

test('a request that admission refuses does not leave it', async () => {
  const { response, steps } = await handle({
    enter: () => Promise.reject(new Problem('gateway.busy', 503, 'busy')),
  })
  expect(await response()).toMatchObject({ status: 503 })
  expect(steps).toEqual(['enter'])
})

test.each([false, true])('a plugin answers instead of the service; it waits: %s', async (waits) => {
  const answer = { status: 203, body: 'own' }
  const { response, events, steps } = await handle({
    plugin: { onRequest: () => (waits ? Promise.resolve(answer) : answer) },
  })
  expect(await response()).toMatchObject({ status: 203, body: 'own' })
  expect(steps).toEqual(['enter', 'leave'])
  expect(events[0]).toMatchObject({ outcome: 'allowed', tries: 0 })
})

test('a refusal by a plugin is recorded, and not logged', async () => {
  const refuse = (): never => {
    throw new Problem('probe.no', 403, 'no')
  }
  const { response, events, lines } = await handle({
    plugin: { onRequest: refuse, onResponse: ({ answerHeaders }) => answerHeaders.add('X-A', 'b') },
  })
  expect(await response()).toMatchObject({ status: 403, headers: { 'x-a': 'b' } })
  expect(events[0]).toMatchObject({ outcome: 'denied', denied_by: 'probe', reason: 'probe.no' })
  expect(lines).toEqual([])
})

test('a failure of the service is logged as a warning with its cause', async () => {
  const { response, events, lines, opened } = await handle({
    listener: (_, response) => response.destroy(),
  })
  expect(await response()).toMatchObject({ status: 502 })
  expect(events[0]).toMatchObject({ outcome: 'failed', reason: 'upstream.invalid', tries: 1 })
  expect(lines).toMatchObject([
    {
      level: 'warn',
      message: 'proxy: upstream request failed',
      request_id: opened.exchange.id,
      service: 's',
      target: events[0]?.target,
      reason: 'upstream.invalid',
      error: { message: expect.any(String) },
    },
  ])
})

test('a fault of a plugin is logged as an error with its cause', async () => {
  const fault = (): never => {
    throw new Error('planted')
  }
  const { response, events, lines } = await handle({ plugin: { onResponse: fault } })
  expect(await response()).toMatchObject({ status: 500 })
  expect(events[0]).toMatchObject({ outcome: 'failed', reason: 'internal', upstream_status: 200 })
  expect(lines).toMatchObject([
    {
      level: 'error',
      message: 'proxy: request failed',
      error: { message: 'plugin probe failed in onResponse' },
    },
  ])
})

test('a fault after a refusal is answered and recorded instead', async () => {
  const fault = (): never => {
    throw new Error('planted')
  }
  const refuse = (): never => {
    throw new Problem('probe.no', 403, 'no')
  }
  const { response, events, lines } = await handle({
    plugin: { onRequest: refuse, onResponse: fault },
  })
  expect(await response()).toMatchObject({ status: 500 })
  expect(events[0]).toMatchObject({ status: 500, outcome: 'failed', reason: 'internal' })
  expect(lines).toHaveLength(1)
})

test('a problem that cannot be sent breaks the connection', async () => {
  const unsendable = Object.defineProperty(new Problem('probe.no', 403, 'no'), 'headers', {
    get: () => {
      throw new Error('planted')
    },
  })
  const refuse = (): never => {
    throw unsendable
  }
  const { response, events, lines, opened } = await handle({ plugin: { onRequest: refuse } })
  expect(await response()).toBeUndefined()
  expect(opened.isAborted).toBe(true)
  expect(events[0]).toMatchObject({ status: 500, outcome: 'failed', reason: 'internal' })
  expect(lines).toMatchObject([{ message: 'proxy: answering with a problem failed' }])
})

test('sends an answer that comes in parts', async () => {
  const { response, events } = await handle({
    listener(_, response) {
      response.write('one')
      setImmediate(() => response.end('two'))
    },
  })
  expect((await response())?.body.replaceAll(/\d\r\n|\r\n/g, '')).toBe('onetwo')
  expect(events[0]).toMatchObject({ outcome: 'allowed', response_bytes: 6 })
})

test('an answer that is not sent is dropped, and the client disconnected', async () => {
  const dropped = Promise.withResolvers<void>()
  const { response, events, opened } = await handle({
    listener(_, response) {
      response.on('close', dropped.resolve)
      response.write('part')
    },
    change: ({ exchange: { reply } }) =>
      Object.assign(reply, {
        write: () => {
          throw new Error('planted')
        },
      }),
  })
  await response()
  await dropped.promise
  expect(opened.isAborted).toBe(true)
  expect(events[0]).toMatchObject({ status: 200, outcome: 'failed', reason: 'internal' })
})

test.each([
  ['a body that is buffered', {}, new HeaderList(), false],
  ['a body that is not buffered', { request_buffering: false }, new HeaderList(), true],
  ['a gRPC call', {}, new HeaderList(['Content-Type', 'application/grpc']), true],
])('%s is forwarded while it arrives: %4$s', async (_, route, headers, streams) => {
  const arrived = Promise.withResolvers<void>()
  let isAsked = false
  const { response, body } = await handle({
    route,
    request: { method: 'POST', headers },
    body: true,
    listener(request, response) {
      isAsked = true
      arrived.resolve()
      return echo(request, response)
    },
  })
  body.feed(Buffer.from('one '))
  if (streams) await arrived.promise
  else await new Promise((resolve) => setTimeout(resolve, 20))
  expect(isAsked).toBe(streams)
  body.feed(Buffer.from('two'))
  body.end()
  expect((await response())?.body).toContain('"body":"one two"')
})

test('logs when an answer cannot be dropped', () => {
  const lines: Record<string, unknown>[] = []
  const { exchange } = openExchange()
  const socket = new PassThrough()
  socket.destroy = () => {
    throw new Error('planted')
  }
  const answer = { status: 101, headers: new HeaderList(), body: undefined, socket }
  const log = openLog('test', (line) => void lines.push(JSON.parse(line)))
  discard(answer, { tools: { log }, exchange })
  expect(lines).toMatchObject([
    { message: 'proxy: dropping the answer failed', request_id: exchange.id },
  ])
})
