import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'

/** Encrypts what browsers keep, with authentication (AES-256-GCM). */
export type CookieSeal = {
  seal(value: object, purpose: string): string
  /** The value, or undefined for a text that this seal did not make for this purpose. */
  open(text: string, purpose: string): unknown
}

/** `owner` names whose cookies these are: those of another owner with the same secret are not accepted. */
export function openCookieSeal(secret: string, owner: string): CookieSeal {
  const key = Buffer.from(hkdfSync('sha256', secret, '', `openid-connect ${owner}`, keyLength))
  return {
    seal(value, purpose) {
      const nonce = randomBytes(nonceLength)
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(purpose))
      const text = Buffer.concat([cipher.update(JSON.stringify(value)), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url')
    },
    open(text, purpose) {
      const bytes = Buffer.from(text, 'base64url')
      if (bytes.length <= nonceLength + tagLength) return undefined
      try {
        const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceLength), {
          authTagLength: tagLength,
        })
        decipher.setAAD(Buffer.from(purpose))
        decipher.setAuthTag(bytes.subarray(nonceLength, nonceLength + tagLength))
        const rest = bytes.subarray(nonceLength + tagLength)
        return JSON.parse(Buffer.concat([decipher.update(rest), decipher.final()]).toString())
      } catch {
        return undefined
      }
    },
  }
}

const algorithm = 'aes-256-gcm'
const keyLength = 32
const nonceLength = 12
const tagLength = 16
