import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { Problem } from '../lib/problem.ts'

const ivLength = 12
const tagLength = 16

/** Encrypts with AES-256-GCM under a fresh nonce; the place is authenticated and not kept. */
export function sealBox(key: Uint8Array, clear: Uint8Array, place: string): Buffer {
  const iv = randomBytes(ivLength)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(place))
  return Buffer.concat([iv, cipher.update(clear), cipher.final(), cipher.getAuthTag()])
}

/** What was sealed with this key for this place; throws a Problem for anything else. */
export function openBox(key: Uint8Array, box: Uint8Array, place: string): Buffer {
  const bytes = Buffer.from(box.buffer, box.byteOffset, box.byteLength)
  try {
    const iv = bytes.subarray(0, ivLength)
    const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: tagLength })
    decipher.setAAD(Buffer.from(place)).setAuthTag(bytes.subarray(-tagLength))
    const opened = decipher.update(bytes.subarray(ivLength, -tagLength))
    return Buffer.concat([opened, decipher.final()])
  } catch (cause) {
    const message = `What is sealed at ${place} cannot be opened: it was changed, moved, or sealed with another key`
    throw new Problem('secrets.damaged', 500, message, { cause })
  }
}
