import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Problem } from '../lib/problem.ts'

/** The Ed25519 key that signs checkpoints. */
export type AuditKey = {
  /** The first 16 hex digits of the SHA-256 of the public key. */
  readonly id: string
  readonly private: KeyObject
  readonly publicPem: string
}

/** A new key that is not stored. */
export const generateAuditKey = (): AuditKey => keyOf(generateKeyPairSync('ed25519').privateKey)

/** Reads the key from a file, or creates the file, readable by its owner only. */
export function readOrCreateAuditKey(file: string): AuditKey {
  if (existsSync(file)) return keyOf(readPrivate(file))
  const made = generateKeyPairSync('ed25519').privateKey
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const pem = made.export({ type: 'pkcs8', format: 'pem' }) as string
  writeFileSync(file, pem, { mode: 0o600, flag: 'wx' })
  return keyOf(made)
}

/** A public key with its id, from the PEM text of a public or private key. */
export function readPublicKey(pem: string): { readonly id: string; readonly key: KeyObject } {
  try {
    const key = createPublicKey(pem)
    if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('it is not an Ed25519 key')
    return { id: idOf(key), key }
  } catch (cause) {
    const message = `The text is not an Ed25519 key in PEM: ${(cause as Error).message}`
    throw new Problem('audit.public_key', 400, message, { cause })
  }
}

function readPrivate(file: string): KeyObject {
  try {
    const key = createPrivateKey(readFileSync(file, 'utf8'))
    if (key.asymmetricKeyType !== 'ed25519') throw new TypeError('it is not an Ed25519 key')
    return key
  } catch (cause) {
    const message = `The key of the audit log in ${file} cannot be read: ${(cause as Error).message}`
    throw new Problem('audit.key', 500, message, { cause })
  }
}

function keyOf(key: KeyObject): AuditKey {
  const open = createPublicKey(key)
  const publicPem = open.export({ type: 'spki', format: 'pem' }) as string
  return { id: idOf(open), private: key, publicPem }
}

const idOf = (key: KeyObject): string =>
  createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16)
