import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Problem } from '../lib/problem.ts'

/** The key that wraps data keys. It is stored apart from the data it protects. */
export type MasterKey = {
  /** Identifies the key without revealing it. */
  readonly id: string
  readonly bytes: Buffer
  /** Its origin, for error messages. */
  readonly source: string
}

export type KeySource =
  | { readonly text: string; readonly name: string }
  | { readonly file: string; readonly mayMake: boolean }

/** Reads the key. Creates a missing file if `mayMake`, and reports it through `onMade`. */
export function readMasterKey(source: KeySource, onMade: (file: string) => void): MasterKey {
  if ('text' in source) return keyOf(source.text, source.name)
  if (!existsSync(source.file) && source.mayMake) {
    if (makeKeyFile(source.file)) onMade(source.file)
  }
  return keyOf(readKeyFile(source.file), source.file)
}

/** Creates a file with a new key, readable by its owner only. False when another process created it first. */
export function makeKeyFile(file: string): boolean {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  writeFileSync(draft, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flush: true })
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  } finally {
    rmSync(draft)
  }
}

function readKeyFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    const message = `The encryption key ${file} cannot be read: ${(cause as Error).message}`
    throw new Problem('secrets.key_file', 500, message, { cause })
  }
}

function keyOf(text: string, source: string): MasterKey {
  const trimmed = text.trim()
  const isHex = /^[\da-f]{64}$/i.test(trimmed)
  const bytes = Buffer.from(trimmed, isHex ? 'hex' : 'base64')
  if (bytes.length !== 32 || !/^[\w+/-]+=?$/.test(trimmed)) {
    const message = `The encryption key ${source} is not valid: expected 32 random bytes in hex or base64, for example from \`openssl rand -hex 32\``
    throw new Problem('secrets.key', 500, message)
  }
  const id = createHmac('sha256', bytes).update('weir master key').digest('hex').slice(0, 16)
  return { id, bytes, source }
}
