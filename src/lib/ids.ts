import { createHash, randomBytes, randomUUID } from 'node:crypto'

/** A buffer of random hexadecimal digits; one `randomBytes` call serves many ids. */
let digits = ''
let used = 0
const bufferedDigits = 8192

/** The timestamp part of an id, computed once per millisecond. */
let prefix = ''
let prefixOf = -1

/** A UUID version 7 (RFC 9562 section 5.7), ordered by its millisecond. */
export function uuidv7(milliseconds: number): string {
  if (used + 19 > digits.length) {
    digits = randomBytes(bufferedDigits / 2).toString('hex')
    used = 0
  }
  if (milliseconds !== prefixOf) {
    const hex = milliseconds.toString(16).padStart(12, '0')
    prefix = `${hex.slice(0, 8)}-${hex.slice(8)}-7`
    prefixOf = milliseconds
  }
  const at = used
  used += 19
  const variant = variants[Number.parseInt(digits.charAt(at), 16) & 3] as string
  return `${prefix}${digits.slice(at + 1, at + 4)}-${variant}${digits.slice(at + 4, at + 7)}-${digits.slice(at + 7, at + 19)}`
}

/** The digits whose two upper bits are 10 (RFC 9562 section 4.1). */
const variants = ['8', '9', 'a', 'b']

/** A UUID version 4, the form of Kong's entity ids. */
export const uuidv4 = (): string => randomUUID()

/** A secret of `bytes` random bytes, as unpadded base64url text. */
export const randomSecret = (bytes = 32): string => randomBytes(bytes).toString('base64url')

/** A UUID version 5 (RFC 9562 section 5.5); `namespace` is a UUID. */
export function uuidv5(namespace: string, name: string): string {
  const hash = createHash('sha1').update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
  const bytes = hash.update(name).digest()
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x50
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return bytes.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
