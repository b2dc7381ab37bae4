import { expect, test } from 'vitest'
import { buildExchange } from '../../../test/harness/build-target.ts'
import { Exchange, type Reply } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'
import type { BodySink } from './ask-upstream.ts'
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

test('discards the answer after the client left', async () => {
  const { flow, sink, exchange, sending } = openAnswer(true)
  sink?.part(chunk)
  exchange.clientLeft()
  await expect(sending).rejects.toMatchObject({ code: 'client.closed' })
  sink?.part(chunk)
  sink?.end()
  expect([flow.isDropped, exchange.responseBytes]).toEqual([true, chunk.length])
})
