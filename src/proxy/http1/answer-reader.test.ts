import { expect, test } from 'vitest'
import { HeaderList } from '../header-list.ts'
import { AnswerReader } from './answer-reader.ts'

function openReader() {
  const calls: string[] = []
  const reader = new AnswerReader({
    pause: () => void calls.push('pause'),
    resume: () => void calls.push('resume'),
    destroy: () => void calls.push('destroy'),
  })
  const seen: string[] = []
  const sink = {
    part: (bytes: Uint8Array) => void seen.push(String(bytes)),
    end: (trailers?: HeaderList) => void seen.push(`end ${trailers?.flat.join(' ')}`),
    fail: (error: unknown) => void seen.push(String(error)),
  }
  return { reader, calls, seen, read: () => reader.read(sink) }
}

test('pauses the connection at the second unread part, and resumes it', () => {
  const { reader, calls, seen, read } = openReader()
  reader.part(Buffer.from('a'))
  expect(calls).toEqual([])
  reader.part(Buffer.from('b'))
  expect(calls).toEqual(['pause'])
  read()
  expect([seen, calls]).toEqual([
    ['a', 'b'],
    ['pause', 'resume'],
  ])
  reader.part(Buffer.from('c'))
  reader.end(new HeaderList(['x', 'y']))
  expect(seen).toEqual(['a', 'b', 'c', 'end x y'])
  expect(calls).toHaveLength(2)
})

test('a single part does not pause the connection', () => {
  const { reader, calls, seen, read } = openReader()
  reader.part(Buffer.from('a'))
  read()
  expect([seen, calls]).toEqual([['a'], []])
})

test('forwards an end or failure that occurs before it is read', () => {
  const whole = openReader()
  whole.reader.part(Buffer.from('a'))
  whole.reader.end(undefined)
  whole.read()
  expect(whole.seen).toEqual(['a', 'end undefined'])
  const broken = openReader()
  broken.reader.part(Buffer.from('a'))
  broken.reader.part(Buffer.from('b'))
  broken.reader.fail(new Error('x'))
  broken.read()
  expect([broken.seen, broken.calls]).toEqual([['a', 'b', 'Error: x'], ['pause']])
})

test('forwards a later failure, and flow control', () => {
  const { reader, calls, seen, read } = openReader()
  read()
  reader.fail(new Error('x'))
  reader.pause()
  reader.resume()
  expect([seen, calls]).toEqual([['Error: x'], ['pause', 'resume']])
})

test.each([
  ['incomplete', () => undefined, ['destroy']],
  ['complete', (reader: AnswerReader) => reader.end(undefined), []],
  ['broken', (reader: AnswerReader) => reader.fail(new Error('x')), []],
])('dropping a body that is %s', (_, before, expected) => {
  const { reader, calls, seen, read } = openReader()
  read()
  before(reader)
  const known = seen.length
  reader.drop()
  reader.part(Buffer.from('a'))
  reader.end(undefined)
  reader.fail(new Error('y'))
  expect([calls, seen.length]).toEqual([expected, known])
})
