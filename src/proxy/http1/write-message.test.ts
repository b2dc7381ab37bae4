import { PassThrough, Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { HeaderList } from '../header-list.ts'
import { chunkHead, fieldLines, writeParts } from './write-message.ts'

/** Records the size of each write that reaches the stream. */
function open() {
  const stream = new PassThrough({ highWaterMark: 1_000_000 })
  const writes: number[] = []
  const batches: number[] = []
  stream._write = (chunk: Buffer, _encoding, done) => {
    writes.push(chunk.length)
    done()
  }
  stream._writev = (chunks, done) => {
    batches.push(chunks.length)
    for (const { chunk } of chunks) writes.push((chunk as Buffer).length)
    done()
  }
  return { stream, writes, batches }
}

test.each([
  ['a', 12_288, 'bc', [12_291], []],
  ['a', 12_289, 'bc', [1, 12_289, 2], [3]],
  ['', 12_289, 'bc', [12_289, 2], [2]],
  ['a', 12_289, '', [1, 12_289], [2]],
  ['', 12_289, '', [12_289], []],
  ['', 3, '', [3], []],
  ['', 3, 'b', [4], []],
  ['a', 3, '', [4], []],
])(
  'writes %j, %d bytes and %j in as few pieces as possible',
  (before, length, after, pieces, at) => {
    const { stream, writes, batches } = open()
    expect(writeParts(stream, before, Buffer.alloc(length), after)).toBe(true)
    expect([writes, batches]).toEqual([pieces, at])
  },
)

test('writes text without bytes', () => {
  const stream = new PassThrough()
  writeParts(stream, 'é', undefined, 'b')
  expect(stream.read()).toEqual(Buffer.from([0xe9, 98]))
})

test('writes the part of a buffer that is given', () => {
  const stream = new PassThrough()
  writeParts(stream, 'a', Buffer.from('-b\xe9-', 'latin1').subarray(1, 3), 'c')
  expect(stream.read()).toEqual(Buffer.from('ab\xe9c', 'latin1'))
})

test.each([
  ['a', 10, 'b'],
  ['a', 20_000, 'b'],
  ['', 10, ''],
])('reports back-pressure: %j, %d bytes, %j', (before, length, after) => {
  const stream = new Writable({ highWaterMark: 5, write: () => undefined })
  expect(writeParts(stream, before, Buffer.alloc(length), after)).toBe(false)
})

test('renders field lines and the size of a chunk', () => {
  expect(fieldLines(new HeaderList(['A', 'b', 'C', 'd']))).toBe('A: b\r\nC: d\r\n')
  expect(chunkHead(Buffer.alloc(255))).toBe('ff\r\n')
})
