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

type Framing = Parameters<typeof openBodyReader>[0]

/** Reads the pieces one after another; returns the parts, what each read returned, and the trailers. */
function readPieces(framing: Framing, pieces: readonly string[], at = 0) {
  const parts: string[] = []
  const ends: (readonly string[] | undefined)[] = []
  const reader = openBodyReader(framing, {
    part: (bytes) => void parts.push(String(bytes)),
    end: (trailers) => void ends.push(trailers?.flat),
  })
  const returned = pieces.map((piece) => reader.read(Buffer.from(piece), at))
  return { parts, ends, returned, reader }
}

test('a body with a length ends within the bytes', () => {
  const framing = { kind: 'length', length: 5 } as const
  const { parts, ends, returned, reader } = readPieces(framing, ['ab', '', 'cdeGET'])
  expect([parts, ends, returned]).toEqual([['ab', 'cde'], [undefined], [-1, -1, 3]])
  expect(reader.close()).toBe(true)
  const cut = readPieces(framing, ['..ab'], 2)
  expect([cut.parts, cut.ends, cut.returned]).toEqual([['ab'], [], [-1]])
  expect(cut.reader.close()).toBe(false)
  expect(readPieces(framing, ['..abcde'], 2)).toMatchObject({ parts: ['abcde'], returned: [7] })
})

test('a body without a length ends with the connection', () => {
  const { parts, ends, returned, reader } = readPieces({ kind: 'close' }, ['.ab', '.c'], 1)
  expect([parts, ends, returned]).toEqual([['ab', 'c'], [], [-1, -1]])
  expect(reader.close()).toBe(true)
  expect(ends).toEqual([undefined])
})

const message = 'a;x="y"\r\n0123456789\r\n2 \t;x\r\nab\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\n'

test('reads chunks and trailers, however they are cut', () => {
  for (let cut = 0; cut <= message.length; cut += 1) {
    const pieces = [message.slice(0, cut), `${message.slice(cut)}GET`]
    const { parts, ends, returned, reader } = readPieces({ kind: 'chunked' }, pieces)
    expect(parts.join('')).toBe('0123456789ab')
    expect(ends).toEqual([['X-T', '1', 'Y', '2']])
    expect(returned[0]).toBe(cut === message.length ? cut : -1)
    expect(returned[1]).toBe(cut === message.length ? -1 : message.length - cut)
    expect(reader.close()).toBe(false)
  }
  const { parts, returned } = readPieces({ kind: 'chunked' }, [`...${message}GET`], 3)
  expect([parts, returned]).toEqual([['0123456789', 'ab'], [message.length + 3]])
})

test('a body without trailers has none', () => {
  expect(readPieces({ kind: 'chunked' }, ['0\r\n\r\n']).ends).toEqual([undefined])
})

test.each([
  'x\r\n',
  '\r\n',
  '-1\r\n',
  '1234567890abc\r\n',
  '1 2\r\n',
  '1;\x01\r\n',
  '1\n',
  '1\r\r\n',
  '1\ra',
  '1\r\nab',
  '1\r\na\n',
  '1\r\na\r\r\n',
  '0\r\n\n',
  '0\r\na\r\n',
  '0\r\na b: c\r\n\r\n',
  `0\r\n${'x: y\r\n'.repeat(257)}\r\n`,
])('rejects the chunked body %j', (text) => {
  expect(() => readPieces({ kind: 'chunked' }, [`${text}\r\n`])).toThrow(MalformedBody)
  expect(() => readPieces({ kind: 'chunked' }, `${text}\r\n`.split(''))).toThrow(MalformedBody)
})

test('rejects a line that is too long before its end', () => {
  expect(() => readChunked('f'.repeat(257))).toThrow(MalformedBody)
  expect(() => readChunked(`1\r\nax`)).toThrow(MalformedBody)
  expect(() => readChunked(`0\r\n${trailer(8_193)}`)).toThrow(MalformedBody)
})

test('reads the size of a chunk as hexadecimal', () => {
  const chunk = 'x'.repeat(31)
  expect(readChunked(`1F\r\n${chunk}\r\n0\r\n\r\n`)).toMatchObject({ body: chunk, isDone: true })
})
