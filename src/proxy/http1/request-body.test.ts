import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { Problem } from '../../lib/problem.ts'
import { absentBody, openRequestBody } from './request-body.ts'

const kept = 65_536

function openBody(limit = 0) {
  let wanted = 0
  const body = openRequestBody({ length: 7, limit, onWanted: () => void (wanted += 1) })
  return {
    body,
    feed: (length: number, fill = 'x') => body.feed(Buffer.alloc(length, fill)),
    get wanted() {
      return wanted
    },
  }
}

const read = async (stream: NodeJS.ReadableStream): Promise<string> =>
  String(Buffer.concat(await (stream as Readable).toArray()))

const failed = async (stream: NodeJS.ReadableStream): Promise<unknown> =>
  (await once(stream.resume(), 'error').catch((error: unknown) => [error]))[0]

test('counts received bytes, and keeps them for a further attempt', async () => {
  const { body, feed } = openBody()
  expect(body).toMatchObject({ present: true, length: 7, received: 0, isWhole: false })
  expect(body.isOpened).toBe(false)
  feed(3, 'a')
  const first = body.open()
  expect(body.isOpened).toBe(true)
  feed(2, 'b')
  const second = body.open()
  feed(1, 'c')
  body.end()
  expect(await read(second)).toBe('aaabbc')
  expect(body).toMatchObject({ received: 6, replayable: true, isWhole: true })
  expect(await read(body.open())).toBe('aaabbc')
  ;(first as Readable).destroy()
})

test('can be read again up to 64 KiB', async () => {
  const { body, feed } = openBody()
  const first = body.open()
  feed(kept - 1)
  feed(1, 'y')
  expect(body.replayable).toBe(true)
  ;(first as Readable).destroy()
  const second = body.open()
  feed(1, 'z')
  expect(body.replayable).toBe(false)
  body.end()
  expect((await read(second)).slice(-2)).toBe('yz')
})

test('a body beyond 64 KiB is passed on once', async () => {
  const { body, feed } = openBody()
  feed(kept + 1)
  const reading = read(body.open())
  feed(1, 'y')
  body.end()
  expect((await reading).length).toBe(kept + 2)
  expect(await read(body.open())).toBe('')
})

test('pauses the client at 64 KiB unread bytes', () => {
  const { feed } = openBody()
  expect(feed(kept - 1)).toBe(true)
  expect(feed(1)).toBe(false)
})

test('pauses the client of a slow service, and resumes it when the service reads', async () => {
  const opened = openBody()
  const stream = opened.body.open() as Readable
  expect(opened.wanted).toBeGreaterThan(0)
  const before = opened.wanted
  expect(opened.feed(10)).toBe(true)
  expect(opened.feed(stream.readableHighWaterMark)).toBe(false)
  stream.resume()
  await once(stream, 'data')
  await new Promise((resolve) => setImmediate(resolve))
  expect(opened.wanted).toBeGreaterThan(before)
  expect(opened.feed(10)).toBe(true)
})

test('fails with 413 over its limit', async () => {
  const { body, feed } = openBody(10)
  const stream = body.open()
  expect(feed(10)).toBe(true)
  expect(body.replayable).toBe(true)
  const failing = failed(stream)
  expect(feed(1)).toBe(true)
  const tooLarge = expect.objectContaining({ code: 'request.too_large', status: 413 })
  expect(await failing).toEqual(tooLarge)
  expect(body.replayable).toBe(false)
  body.fail(new Problem('client.gone', 499, 'gone'))
  expect(await failed(body.open())).toEqual(tooLarge)
})

test('fails when the client disconnects, for this attempt and the next', async () => {
  const { body, feed } = openBody()
  feed(1)
  const failing = failed(body.open())
  body.fail(new Error('gone'))
  expect(await failing).toEqual(new Error('gone'))
  expect(await failed(body.open())).toEqual(new Error('gone'))
})

test('reads ahead to the end of the body', async () => {
  const opened = openBody()
  const { body, feed } = opened
  let isAhead = false
  const reading = body.readAhead()?.then(() => (isAhead = true))
  expect(opened.wanted).toBe(1)
  feed(kept - 1)
  await new Promise((resolve) => setImmediate(resolve))
  expect(isAhead).toBe(false)
  body.end()
  await reading
  expect(isAhead).toBe(true)
  expect(body.readAhead()).toBeUndefined()
})

test('reads ahead up to 64 KiB', async () => {
  const { body, feed } = openBody()
  const reading = body.readAhead()
  feed(kept)
  await reading
  expect(body.readAhead()).toBeUndefined()
})

test('reading ahead rejects when the body fails', async () => {
  const { body } = openBody()
  const reading = body.readAhead()
  body.fail(new Error('gone'))
  await expect(reading).rejects.toThrow('gone')
  expect(body.readAhead()).toBeUndefined()
})

test('an absent body is empty', async () => {
  expect(await read(absentBody.open())).toBe('')
  expect(absentBody).toMatchObject({ present: false, length: 0, received: 0, replayable: true })
  expect(absentBody.readAhead()).toBeUndefined()
})
