import { Buffer } from 'node:buffer'

/** The buffer itself when `more` bytes fit after the first `used`; else one of at least twice the size with these. */
export function withRoom(
  buffer: Buffer<ArrayBuffer>,
  used: number,
  more: number,
): Buffer<ArrayBuffer> {
  if (used + more <= buffer.length) return buffer
  const larger = Buffer.allocUnsafe(2 * (used + more))
  buffer.copy(larger, 0, 0, used)
  return larger
}
