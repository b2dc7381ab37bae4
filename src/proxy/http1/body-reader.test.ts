import { expect, test } from 'vitest'
import type { HeaderList } from '../header-list.ts'
import { MalformedBody, openBodyReader } from './body-reader.ts'

function readChunked(text: string) {
  const found = { body: '', trailers: undefined as HeaderList | undefined, isDone: false }
  const reader = openBodyReader(
    { kind: 'chunked' },
    {
      part: (bytes) => (found.body += bytes.toString()),
      end(trailers) {
        found.trailers = trailers
        found.isDone = true
      },
    },
  )
  reader.read(Buffer.from(text), 0)
  return found
}

/** One trailer line of `length` characters. */
const trailer = (length: number): string => `x: ${'y'.repeat(length - 3)}`

test('accepts 8 KiB of trailers and rejects more, in one line or in several', () => {
  const several = Array.from({ length: 8 }, () => `${trailer(1_000)}\r\n`).join('')
  const found = readChunked(`1\r\na\r\n0\r\n${several}\r\n`)
  expect([found.body, found.isDone, found.trailers?.flat.length]).toEqual(['a', true, 16])
  expect(readChunked(`0\r\n${trailer(8_190)}\r\n\r\n`).isDone).toBe(true)
  expect(() => readChunked(`0\r\n${trailer(8_193)}\r\n`)).toThrow(MalformedBody)
  expect(() => readChunked(`0\r\n${several}${trailer(1_000)}\r\n`)).toThrow(MalformedBody)
})

test('accepts chunk extensions up to a line of 256 bytes', () => {
  expect(readChunked(`1;${'e'.repeat(254)}\r\na\r\n0\r\n\r\n`).body).toBe('a')
  expect(() => readChunked(`1;${'e'.repeat(255)}\r\na`)).toThrow(MalformedBody)
})
