import type { Writable } from 'node:stream'
import type { HeaderList } from '../header-list.ts'

/** Up to this size, text and bytes are written as one string, which saves a copy and a system call. */
const small = 12_288

/** Writes text, bytes and text, with one system call when they are small; false when the socket applies back-pressure. */
export function writeParts(
  socket: Writable,
  before: string,
  bytes: Uint8Array | undefined,
  after: string,
): boolean {
  if (bytes === undefined) return socket.write(before + after, 'latin1')
  if (before === '' && after === '') return socket.write(bytes)
  if (bytes.length <= small) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1')
    return socket.write(before + text + after, 'latin1')
  }
  socket.cork()
  if (before !== '') socket.write(before, 'latin1')
  const isFast = socket.write(bytes)
  if (after !== '') socket.write(after, 'latin1')
  socket.uncork()
  return isFast
}

export function fieldLines({ flat }: HeaderList): string {
  let lines = ''
  for (let at = 0; at < flat.length; at += 2) lines += `${flat[at]}: ${flat[at + 1]}\r\n`
  return lines
}

export const chunkHead = (bytes: Uint8Array): string => `${bytes.length.toString(16)}\r\n`
