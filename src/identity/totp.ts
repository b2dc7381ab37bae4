import { createHmac, randomBytes } from 'node:crypto'

/** RFC 6238 with the parameters that authenticator apps assume: SHA-1, six digits, 30 seconds. */
const stepSeconds = 30
const digits = 6
/** Steps that clocks may differ, each way (RFC 6238 section 5.2). */
const window = 1

/** The step of a time in milliseconds. */
const stepAt = (time: number): number => Math.floor(time / 1000 / stepSeconds)

/** A secret of 160 bits in base32 (RFC 4226 section 4 R6). */
export const newTotpSecret = (): string => toBase32(randomBytes(20))

/** The step at which a code is valid now and was not used before; undefined when it is wrong. Codes of steps up to `lastStep` are refused (RFC 6238 section 5.2). */
export function totpStepOf(
  secret: string,
  code: string,
  { now, lastStep }: { readonly now: number; readonly lastStep: number },
): number | undefined {
  const present = stepAt(now)
  for (let step = present - window; step <= present + window; step += 1) {
    if (step > lastStep && totpCode(secret, step) === code) return step
  }
  return undefined
}

/** The code of a step (RFC 4226 section 5.3). */
export function totpCode(secret: string, step: number): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const hash = createHmac('sha1', fromBase32(secret)).update(counter).digest()
  const offset = (hash[hash.length - 1] as number) & 0xf
  const number = hash.readUInt32BE(offset) & 0x7fff_ffff
  return String(number % 10 ** digits).padStart(digits, '0')
}

/** The address that authenticator apps read from a QR code. */
export const totpUri = (secret: string, name: string): string =>
  `otpauth://totp/${encodeURIComponent(`Weir:${name}`)}?secret=${secret}&issuer=Weir`

/** Ten codes of 50 bits each, such as `k3vq7-m2xwa`. */
export const newRecoveryCodes = (): string[] =>
  Array.from({ length: 10 }, () => {
    const text = toBase32(randomBytes(7)).slice(0, 10).toLowerCase()
    return `${text.slice(0, 5)}-${text.slice(5)}`
  })

/** RFC 4648 section 6. */
const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

function toBase32(bytes: Uint8Array): string {
  let [text, bits, value] = ['', 0, 0]
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      text += alphabet[(value >>> (bits - 5)) & 31]
      bits -= 5
    }
    value &= (1 << bits) - 1
  }
  return bits === 0 ? text : text + alphabet[(value << (5 - bits)) & 31]
}

function fromBase32(text: string): Buffer {
  const bytes: number[] = []
  let [bits, value] = [0, 0]
  for (const letter of text) {
    value = (value << 5) | alphabet.indexOf(letter)
    bits += 5
    if (bits >= 8) {
      bytes.push((value >>> (bits - 8)) & 255)
      bits -= 8
    }
    value &= (1 << bits) - 1
  }
  return Buffer.from(bytes)
}
