import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Problem } from '../lib/problem.ts'

const ivLength = 12
const tagLength = 16

/** Encrypts with AES-256-GCM under a random nonce. `aad` is authenticated, but not part of the result. */
export function sealBox(key: Uint8Array, clear: Uint8Array, aad: string): Buffer {
  const iv = randomBytes(ivLength)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(aad))
  return Buffer.concat([iv, cipher.update(clear), cipher.final(), cipher.getAuthTag()])
}

/** Decrypts a box; throws a Problem when the key or `aad` differs or the box was changed. */
export function openBox(key: Uint8Array, box: Uint8Array, aad: string): Buffer {
  const bytes = Buffer.from(box.buffer, box.byteOffset, box.byteLength)
  try {
    const iv = bytes.subarray(0, ivLength)
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagLength })
    decipher.setAAD(Buffer.from(aad)).setAuthTag(bytes.subarray(-tagLength))
    const opened = decipher.update(bytes.subarray(ivLength, -tagLength))
    return Buffer.concat([opened, decipher.final()])
  } catch (cause) {
    const message = `The encrypted value at ${aad} cannot be decrypted: it was changed, moved, or encrypted with another key`
    throw new Problem('secrets.damaged', 500, message, { cause })
  }
}
