import { createHmac, randomBytes } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { Problem } from '../lib/problem.ts'

/** The key that wraps data keys. It comes from outside of what it protects. */
export type MasterKey = {
  /** Tells keys apart and tells nothing about the key. */
  readonly id: string
  readonly bytes: Buffer
  /** Where it is from, for sentences. */
  readonly source: string
}

/** Where the key is to be found: as text, or in a file. */
export type KeySource =
  | { readonly text: string; readonly name: string }
  | { readonly file: string; readonly mayMake: boolean }

/** Reads the key, or makes its file where that is allowed; says so. */
export function readMasterKey(source: KeySource, onMade: (file: string) => void): MasterKey {
  if ('text' in source) return keyOf(source.text, source.name)
  if (!existsSync(source.file) && source.mayMake) {
    if (makeKeyFile(source.file)) onMade(source.file)
  }
  return keyOf(readKeyFile(source.file), source.file)
}

/** Writes a new key into a file that is not there yet, readable by its owner only; false when somebody was quicker. */
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
    const message = `The encryption key ${source} is not one: expected 32 random bytes in hex or base64, as \`openssl rand -hex 32\` makes them`
    throw new Problem('secrets.key', 500, message)
  }
  const id = createHmac('sha256', bytes).update('weir master key').digest('hex').slice(0, 16)
  return { id, bytes, source }
}
