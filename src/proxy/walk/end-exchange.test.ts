import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { openExchange } from '../../../test/harness/open-exchange.ts'
import { openLog } from '../../lib/log.ts'
import type { EventRecord } from '../../schema/event.ts'
import { noRouteRef } from '../exchange.ts'
import { endExchange, type EndTools, type WithheldAnswer } from './end-exchange.ts'

const faulty = (): never => {
  throw new Error('planted')
}

/** Ends an exchange with tools that take down what is called, in order. */
function end(options: Partial<Parts> = {}) {
  const opened = openExchange()
  const { exchange } = opened
  const calls: string[] = []
  const lines: { message: string; request_id: string }[] = []
  const answers: WithheldAnswer[] = []
  const events: EventRecord[] = []
  const tools: EndTools = {
    node: { node: 'n', zone: '', environment: '' },
    record(event, answer) {
      calls.push('record')
      events.push(event)
      answers.push(answer)
      options.record?.()
    },
    log: openLog('test', (line) => void lines.push(JSON.parse(line))),
  }
  exchange.defer(() => {
    calls.push('dispose')
    options.dispose?.()
  })
  exchange.tunnel = options.tunnel
  if (options.routeRef !== undefined) Object.assign(exchange, { routeRef: options.routeRef })
  if (options.caller !== undefined)
    Object.defineProperty(exchange, 'caller', { get: options.caller })
  const finish = (): void => {
    calls.push('finish')
    options.finish?.()
  }
  endExchange(tools, exchange, finish, {
    admission: {
      leave(left) {
        calls.push('leave')
        expect(left).toBe(exchange)
        options.leave?.()
      },
    },
  })
  return { ...opened, opened, calls, lines, events, answer: answers[0] as WithheldAnswer }
}

type Parts = {
  readonly record: () => void
  readonly dispose: () => void
  readonly finish: () => void
  readonly leave: () => void
  readonly tunnel: PassThrough
  readonly routeRef: object
  readonly caller: () => never
}

const messages = ({ lines, exchange }: ReturnType<typeof end>): string[] => {
  expect(lines.every((line) => line.request_id === exchange.id)).toBe(true)
  return lines.map(({ message }) => message)
}

test('withholds the end of the answer until its event is recorded, and sends it once', () => {
  const { calls, answer, lines, opened } = end()
  expect(calls).toEqual(['dispose', 'leave', 'record'])
  answer.release()
  answer.release()
  answer.abandon()
  expect(calls.slice(3)).toEqual(['finish'])
  expect([opened.isAborted, lines]).toEqual([false, []])
})

test('breaks the connection of an answer whose event was not recorded', () => {
  const { calls, answer, opened } = end()
  answer.abandon()
  expect(opened.isAborted).toBe(true)
  answer.release()
  expect(calls).not.toContain('finish')
})

test('a target that switched protocols is busy until its connection ends', async () => {
  const tunnel = new PassThrough()
  const { calls, answer } = end({ tunnel })
  expect(calls).toEqual(['leave', 'record'])
  answer.abandon()
  expect(tunnel.destroyed).toBe(true)
  await once(tunnel, 'close')
  expect(calls).toEqual(['leave', 'record', 'dispose'])
  const gone = new PassThrough().destroy()
  expect(end({ tunnel: gone }).calls).toEqual(['dispose', 'leave', 'record'])
})

test.each<[keyof Parts, string, boolean]>([
  ['dispose', 'proxy: releasing the target failed', false],
  ['leave', 'proxy: leaving admission failed', false],
  ['record', 'proxy: recording the event failed', true],
  ['finish', 'proxy: ending the answer failed', true],
])('an error in %s is logged, and the rest still runs', (step, message, isAborted) => {
  const ended = end({ [step]: faulty })
  ended.answer.release()
  expect(messages(ended)).toEqual([message])
  expect(ended.opened.isAborted).toBe(isAborted)
  const all = ['dispose', 'leave', 'record', 'finish']
  expect(ended.calls).toEqual(step === 'record' ? all.slice(0, 3) : all)
})

test('an exchange whose description failed is recorded by its minimal event', () => {
  const ended = end({ routeRef: { ...noRouteRef, route_name: 'r' }, caller: faulty })
  ended.answer.release()
  expect(messages(ended)).toEqual(['proxy: describing the exchange failed'])
  expect(ended.events[0]).toMatchObject({
    request_id: ended.exchange.id,
    place: { route_name: 'r' },
    outcome: 'failed',
    reason: 'internal',
  })
  expect(ended.calls).toContain('finish')
})

test('logs when the connection cannot be broken', () => {
  const tunnel = new PassThrough()
  const ended = end({ tunnel })
  Object.assign(ended.exchange.reply, { abort: faulty })
  ended.answer.abandon()
  expect(messages(ended)).toEqual(['proxy: breaking the connection failed'])
  expect(tunnel.destroyed).toBe(true)
})
