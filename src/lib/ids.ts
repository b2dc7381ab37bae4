import { createHash, randomBytes, randomUUID } from 'node:crypto'

const hex: readonly string[] = Array.from({ length: 256 }, (_, byte) =>
  byte.toString(16).padStart(2, '0'),
)
const pool = Buffer.allocUnsafe(4096)
let used = pool.length

/** A UUID version 7 (RFC 9562 section 5.7): ordered by the millisecond it was made in. */
export function uuidv7(milliseconds: number): string {
  if (used + 10 > pool.length) {
    randomBytes(pool.length).copy(pool)
    used = 0
  }
  const at = used
  used += 10
  const byte = (offset: number): number => pool[at + offset] ?? 0
  const high = Math.floor(milliseconds / 0x1_0000_0000)
  const low = (milliseconds % 0x1_0000_0000) >>> 0
  return (
    `${pair(high >>> 8)}${pair(high)}${pair(low >>> 24)}${pair(low >>> 16)}-${pair(low >>> 8)}${pair(low)}` +
    `-${pair(0x70 | (byte(0) & 0x0f))}${pair(byte(1))}-${pair(0x80 | (byte(2) & 0x3f))}${pair(byte(3))}` +
    `-${pair(byte(4))}${pair(byte(5))}${pair(byte(6))}${pair(byte(7))}${pair(byte(8))}${pair(byte(9))}`
  )
}

const pair = (value: number): string => hex[value & 0xff] as string

/** A UUID version 4, as Kong makes for entities. */
export const uuidv4 = (): string => randomUUID()

/** A secret of `bytes` random bytes, as unpadded base64url text. */
export const randomSecret = (bytes = 32): string => randomBytes(bytes).toString('base64url')

/** The UUID version 5 (RFC 9562 section 5.5) of a name in a namespace, which is a UUID itself. */
export function uuidv5(namespace: string, name: string): string {
  const hash = createHash('sha1').update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
  const bytes = hash.update(name).digest()
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
