import { expect, test } from 'vitest'
import { openExchange } from '../../../test/harness/open-exchange.ts'
import { Problem } from '../../lib/problem.ts'
import type { RequestHead } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import type { PluginAnswer } from '../plugin.ts'
import { sendPluginAnswer, sendProblem } from './send-problem.ts'

function answerProblem(problem: Problem, fields: Partial<RequestHead> = {}) {
  const opened = openExchange(fields)
  opened.exchange.answerHeaders.add('X-Plugin', 'kept')
  sendProblem(problem, opened.exchange)()
  return { exchange: opened.exchange, response: opened.written() }
}

function answerPlugin(answer: PluginAnswer, fields: Partial<RequestHead> = {}) {
  const opened = openExchange(fields)
  const { reply } = opened.exchange
  const finish = reply.finish.bind(reply)
  let finishedBytes = 0
  reply.finish = (last) => {
    finishedBytes = last?.length ?? 0
    finish(last)
  }
  sendPluginAnswer(answer, opened.exchange)()
  return { exchange: opened.exchange, response: opened.written(), finishedBytes }
}

const accepting = (accept: string) => ({ headers: new HeaderList(['Accept', accept]) })

test.each([
  ['', 'application/json', (id: string) => `{"message":"<a> & \\"b\\"","request_id":"${id}"}`],
  ['*/*', 'application/json', (id: string) => `{"message":"<a> & \\"b\\"","request_id":"${id}"}`],
  ['text/plain;q=1', 'text/plain', (id: string) => `<a> & "b"\nrequest_id: ${id}\n`],
  ['text/xml', 'application/xml', xml],
  ['application/xml;q=1', 'application/xml', xml],
  [
    'text/html, */*',
    'text/html',
    (id: string) =>
      `<!doctype html>\n<title>403</title>\n<h1>&lt;a&gt; &amp; &quot;b&quot;</h1>\n<p>Request id: ${id}</p>\n`,
  ],
])('a client that accepts %j gets a problem as %s', (accept, type, body) => {
  const { exchange, response } = answerProblem(
    new Problem('test.no', 403, '<a> & "b"', { headers: { 'retry-after': '7' } }),
    accept === '' ? {} : accepting(accept),
  )
  const text = body(exchange.requestId)
  const { date: _, 'x-kong-response-latency': latency, ...headers } = response?.headers ?? {}
  expect(latency).toMatch(/^\d+$/)
  expect({ ...response, headers }).toEqual({
    status: 403,
    headers: {
      'x-plugin': 'kept',
      'retry-after': '7',
      'content-type': `${type}; charset=utf-8`,
      'content-length': String(text.length),
      'x-kong-request-id': exchange.requestId,
      server: 'weir',
    },
    body: text,
  })
  expect([exchange.status, exchange.responseBytes]).toEqual([403, text.length])
})

function xml(id: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<error>\n  <message>&lt;a&gt; &amp; &quot;b&quot;</message>\n  <requestid>${id}</requestid>\n</error>\n`
}

test.each([
  ['test.no', 400, 'denied', 'gateway'],
  ['route.none', 404, 'denied', 'router'],
  ['test.late', 498, 'denied', 'gateway'],
  ['client.gone', 499, 'failed', ''],
  ['route.broken', 500, 'failed', ''],
  ['upstream.timeout', 504, 'failed', ''],
])('%s with status %d is recorded as %s', (code, status, outcome, deniedBy) => {
  const { exchange } = answerProblem(new Problem(code, status, 'no'))
  expect(exchange).toMatchObject({ outcome, deniedBy, reason: code, status })
})

test('breaks the connection when a part of another answer was sent, and keeps its status', () => {
  const opened = openExchange()
  const { exchange } = opened
  Object.assign(exchange, { begun: true, status: 200 })
  exchange.clientLeft()
  sendProblem(new Problem('upstream.invalid', 502, 'broken'), exchange)()
  expect(exchange).toMatchObject({ status: 200, outcome: 'failed', reason: 'upstream.invalid' })
  expect([opened.isAborted, opened.written()]).toEqual([true, undefined])
})

test('sends nothing to a client that disconnected, and records 499', () => {
  const opened = openExchange()
  opened.exchange.clientLeft()
  sendProblem(new Problem('upstream.invalid', 502, 'broken'), opened.exchange)()
  expect([opened.isAborted, opened.written()]).toEqual([true, undefined])
  expect(opened.exchange.status).toBe(499)
})

test.each([
  ['HEAD', 403, '', '8', 0],
  ['GET', 204, '', undefined, 0],
  ['GET', 304, '', '8', 0],
  ['GET', 203, 'bytes…', '8', 8],
])('%s with status %d has the body %j', (method, status, body, length, bytes) => {
  const { exchange, response, finishedBytes } = answerPlugin({ status, body: 'bytes…' }, { method })
  expect([response?.body, response?.headers['content-length']]).toEqual([body, length])
  expect(exchange.responseBytes).toBe(bytes)
  // A reply over HTTP/2 does not know the method.
  expect(finishedBytes).toBe(bytes)
})

test('sends the answer of a plugin unchanged, as text or bytes', () => {
  const { exchange, response } = answerPlugin({
    status: 201,
    headers: { 'Content-Type': 'image/x', 'X-A': 'b' },
    body: new Uint8Array([65, 66]),
  })
  expect(response).toMatchObject({
    status: 201,
    headers: { 'content-type': 'image/x', 'x-a': 'b', 'content-length': '2' },
    body: 'AB',
  })
  expect(exchange).toMatchObject({ status: 201, outcome: 'allowed', reason: '' })
  expect(answerPlugin({ status: 202 }).response).toMatchObject({ status: 202, body: '' })
})

test('renders the sentence of a plugin in the form that the client accepts', () => {
  const answer = { status: 200, message: 'well', headers: { 'X-A': 'b' } }
  const { exchange, response } = answerPlugin(answer, accepting('text/plain'))
  expect(response).toMatchObject({
    headers: { 'x-a': 'b', 'content-type': 'text/plain; charset=utf-8' },
    body: `well\nrequest_id: ${exchange.requestId}\n`,
  })
})

test.each([99, 600, 200.5, Number.NaN])('rejects a plugin answer with the status %d', (status) => {
  expect(() => answerPlugin({ status })).toThrow(`an answer has the status ${status}`)
})

test.each([100, 599])('accepts a plugin answer with the status %d', (status) => {
  expect(answerPlugin({ status }).response?.status).toBe(status)
})

test.each([{ 'X A': '' }, { '': 'a' }, { 'X:': 'a' }, { A: 'a\rb' }, { A: 'a\nb' }, { A: '\0' }])(
  'rejects a plugin answer with the header %j',
  (headers) => {
    expect(() => answerPlugin({ status: 200, headers })).toThrow(/malformed header/)
  },
)

const grpc = (type = 'application/grpc+proto', http2 = true) => ({
  headers: new HeaderList(['Content-Type', type]),
  http2,
})

test.each([
  [200, 0],
  [400, 3],
  [401, 16],
  [403, 7],
  [404, 5],
  [408, 4],
  [409, 6],
  [413, 8],
  [415, 12],
  [418, 2],
  [426, 9],
  [429, 8],
  [499, 1],
  [500, 13],
  [501, 12],
  [502, 14],
  [503, 14],
  [504, 4],
])('status %d is gRPC status %d, in fields of a 200', (status, code) => {
  const answer = { status, message: 'no', headers: { 'x-a': 'b' } }
  const { exchange, response } = answerPlugin(answer, grpc())
  expect(response).toMatchObject({
    status: 200,
    headers: {
      'content-type': 'application/grpc',
      'grpc-status': String(code),
      'grpc-message': 'no',
      'x-kong-request-id': exchange.requestId,
      server: 'weir',
      'x-a': 'b',
    },
  })
  expect([exchange.status, exchange.responseBytes]).toEqual([status, 0])
})

test('a problem may give its own gRPC status', () => {
  const problem = new Problem('test.full', 503, 'full', { headers: { 'grpc-status': '8' } })
  const { response } = answerProblem(problem, grpc())
  expect(response).toMatchObject({
    status: 200,
    headers: { 'grpc-status': '8', 'grpc-message': 'full', 'x-plugin': 'kept' },
  })
})

test('percent-encodes grpc-message beyond visible ASCII', () => {
  const { response } = answerPlugin({ status: 400, message: ' ~\x7f\x1f\né 5%' }, grpc())
  expect(response?.headers['grpc-message']).toBe(' ~%7F%1F%0A%C3%A9 5%25')
})

test.each([
  ['HTTP/1.1', 'application/grpc', false],
  ['HTTP/2', 'application/json', true],
])('over %s a request of type %s gets no gRPC status', (_, type, http2) => {
  const { response } = answerProblem(new Problem('test.no', 403, 'no'), grpc(type, http2))
  expect(response?.status).toBe(403)
})

test('over HTTP/2 a request without a type gets no gRPC status', () => {
  const { response } = answerProblem(new Problem('test.no', 403, 'no'), { http2: true })
  expect(response?.status).toBe(403)
})

test('a gRPC call gets the body of a plugin answer that is no sentence', () => {
  const { response } = answerPlugin({ status: 203, body: 'raw' }, grpc())
  expect(response).toMatchObject({ status: 203, body: 'raw' })
})
