import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { buildExchange } from '../../../test/harness/build-target.ts'
import { openExchange } from '../../../test/harness/open-exchange.ts'
import { Exchange, type Reply } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import type { Answer, BodySink } from './ask-upstream.ts'
import { sendAnswer } from './send-answer.ts'

const chunk = Buffer.alloc(65_536)

/** An answer whose parts the test sends, to a client that takes nothing. */
function openAnswer(isBuffered: boolean) {
  const flow = { isPaused: false, isDropped: false }
  let sink: BodySink | undefined
  let pendingBytes = 0
  let resume = (): void => undefined
  const reply: Reply = {
    begin: () => undefined,
    write(part) {
      pendingBytes += part.length
      return false
    },
    get pendingBytes() {
      return pendingBytes
    },
    onWritable: (wanted) => void (resume = wanted),
    finish: () => undefined,
    abort: () => undefined,
  }
  const { request, body } = buildExchange()
  const exchange = new Exchange(1, request, body, reply)
  const answer = {
    status: 200,
    headers: new HeaderList(),
    body: {
      read: (reader: BodySink) => void (sink = reader),
      pause: () => void (flow.isPaused = true),
      resume: () => void (flow.isPaused = false),
      drop: () => void (flow.isDropped = true),
    },
  }
  const sending = Promise.resolve(sendAnswer(answer, exchange, isBuffered))
  return { flow, exchange, sending, sink: sink as BodySink | undefined, drain: () => resume() }
}

test('an unbuffered answer is paused whenever the client is slow', () => {
  const { flow, sink, drain } = openAnswer(false)
  sink?.part(chunk)
  expect(flow.isPaused).toBe(true)
  drain()
  expect(flow.isPaused).toBe(false)
})

test('a buffered answer is paused when 256 KiB are pending', () => {
  const { flow, sink, drain } = openAnswer(true)
  for (const isFull of [false, false, false, true]) {
    sink?.part(chunk)
    expect(flow.isPaused).toBe(isFull)
  }
  drain()
  expect(flow.isPaused).toBe(false)
})

test('discards the answer after the client disconnected', async () => {
  const { flow, sink, exchange, sending } = openAnswer(true)
  sink?.part(chunk)
  exchange.clientLeft()
  await expect(sending).rejects.toMatchObject({ code: 'client.closed' })
  sink?.part(chunk)
  sink?.end()
  expect([flow.isDropped, exchange.responseBytes]).toEqual([true, chunk.length])
})

/** An answer with a body that the test sends. */
function openBody() {
  let sink: BodySink | undefined
  let drops = 0
  const body: Answer['body'] = {
    read: (reader) => void (sink = reader),
    pause: () => undefined,
    resume: () => undefined,
    drop: () => void (drops += 1),
  }
  return {
    body,
    part: (text: string) => sink?.part(Buffer.from(text)),
    end: (trailers?: HeaderList) => sink?.end(trailers),
    fail: (error: unknown) => sink?.fail(error),
    get drops() {
      return drops
    },
  }
}

const answerOf = (body: Answer['body'], headers: string[] = [], status = 200): Answer => ({
  status,
  headers: new HeaderList(headers),
  body,
})

test('adds its own fields to those of the service and of plugins, and drops those of the hop', async () => {
  const { exchange, written } = openExchange()
  const { startedAt, upstream } = exchange
  Object.assign(upstream, { askedAt: startedAt + 7_400_400, answeredAt: startedAt + 12_900_900 })
  exchange.answerHeaders.add('X-Plugin', 'a')
  const headers = ['Connection', 'X-Hop', 'X-Hop', '1', 'Content-Length', '0', 'Via', '1.1 b']
  const sending = sendAnswer(answerOf(undefined, headers, 201), exchange, true)
  ;(sending as () => void)()
  const { date: _, ...fields } = written()?.headers ?? {}
  expect(fields).toEqual({
    'content-length': '0',
    'x-plugin': 'a',
    'x-kong-upstream-latency': '5501',
    'x-kong-proxy-latency': '7400',
    'x-kong-request-id': exchange.requestId,
    via: '1.1 weir',
  })
  expect(exchange.status).toBe(201)
  expect(upstream.finishedAt).toBeGreaterThanOrEqual(startedAt)
})

test.each([
  ['HEAD', 200],
  ['GET', 204],
  ['GET', 304],
])('%s with status %d has no body', (method, status) => {
  const { exchange, written } = openExchange({ method })
  const source = openBody()
  const finish = sendAnswer(answerOf(source.body, ['Content-Length', '5'], status), exchange, true)
  expect([source.drops, exchange.begun, written()]).toEqual([1, false, undefined])
  ;(finish as () => void)()
  const headers = status === 204 ? {} : { 'content-length': '5' }
  const answer = written()
  expect(answer).toMatchObject({ status, headers, body: '' })
  expect(answer?.headers['content-length']).toBe(headers['content-length'])
})

test('sends the head at once, and withholds the last part of a known length', async () => {
  const { exchange, written, text } = openExchange()
  const source = openBody()
  const sending = sendAnswer(answerOf(source.body, ['Content-Length', '6']), exchange, true)
  expect([written()?.status, exchange.begun]).toEqual([200, true])
  source.part('one')
  expect(text()).toBe('one')
  source.part('two')
  const before = exchange.upstream.finishedAt
  source.end()
  const finish = await sending
  expect(before).toBe(0)
  expect(exchange.upstream.finishedAt).toBeGreaterThanOrEqual(exchange.startedAt)
  expect([exchange.responseBytes, text()]).toEqual([6, ''])
  finish()
  expect(text()).toBe('two')
  exchange.clientLeft()
  expect(source.drops).toBe(0)
})

test('withholds the head with the last part when both are available', async () => {
  const { exchange, text } = openExchange()
  const source = openBody()
  const body: Answer['body'] = {
    ...(source.body as NonNullable<Answer['body']>),
    read(sink) {
      source.body?.read(sink)
      sink.part(Buffer.from('ok'))
    },
  }
  const sending = sendAnswer(answerOf(body, ['Content-Length', '2']), exchange, true)
  expect(text()).toBe('')
  source.end()
  ;(await sending)()
  expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\nok$/)
})

test('a failing client fails the answer, not the connection to the service', async () => {
  const { exchange } = openExchange()
  const source = openBody()
  const sending = sendAnswer(answerOf(source.body), exchange, true)
  exchange.reply.write = () => {
    throw new Error('planted')
  }
  source.part('x')
  await expect(sending).rejects.toThrow('planted')
})

test('a buffered body is sent without waiting, followed by its trailers', () => {
  const { exchange, written } = openExchange()
  const body: Answer['body'] = {
    ...(openBody().body as NonNullable<Answer['body']>),
    read(sink) {
      sink.part(Buffer.from('all'))
      sink.end(new HeaderList(['X-T', '1']))
    },
  }
  const finish = sendAnswer(answerOf(body), exchange, true)
  expect(finish).not.toBeInstanceOf(Promise)
  ;(finish as () => void)()
  expect(written()?.body).toBe('3\r\nall\r\n0\r\nX-T: 1\r\n\r\n')
})

test('rejects with the first failure only', async () => {
  const { exchange } = openExchange()
  const source = openBody()
  const sending = sendAnswer(answerOf(source.body), exchange, true)
  source.part('x')
  source.fail(new Error('first'))
  source.fail(new Error('second'))
  source.part('y')
  source.end()
  exchange.clientLeft()
  await expect(sending).rejects.toThrow('first')
  expect([exchange.responseBytes, exchange.upstream.finishedAt, source.drops]).toEqual([1, 0, 0])
})

test('throws a failure that already occurred', () => {
  const { exchange } = openExchange()
  const body: Answer['body'] = {
    ...(openBody().body as NonNullable<Answer['body']>),
    read(sink) {
      sink.fail(new Error('early'))
      sink.fail(new Error('late'))
    },
  }
  expect(() => sendAnswer(answerOf(body), exchange, true)).toThrow('early')
})

test('connects the client to a target that switched protocols, unless it disconnected', () => {
  const socket = new PassThrough()
  const { exchange, written } = openExchange()
  const finish = sendAnswer({ ...answerOf(undefined, [], 101), socket }, exchange, true)
  expect([exchange.tunnel, exchange.status, exchange.begun]).toEqual([socket, 101, false])
  ;(finish as () => void)()
  expect([written()?.status, socket.destroyed]).toEqual([101, false])
  exchange.clientLeft()
  ;(finish as () => void)()
  expect([written(), socket.destroyed]).toEqual([undefined, true])
})
