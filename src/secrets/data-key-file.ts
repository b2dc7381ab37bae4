import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Cipher, Keyring } from '../lib/cipher.ts'
import { processIdentity } from '../lib/process-identity.ts'

/** Opens the cipher of the data key in a file. Creates the file if needed; concurrent processes get the same key. */
export function openDataKeyFile(file: string, keyring: Keyring): Cipher {
  const wrapped = readDataKeyFile(file)
  if (wrapped !== undefined) return keyring.openDataKey(wrapped)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = writeDraft(file, keyring.makeDataKey())
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return keyring.openDataKey(readFileSync(file, 'utf8'))
}

/** The wrapped data key in a file; undefined when the file does not exist. */
export function readDataKeyFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Replaces the wrapped data key in a file atomically. */
export const replaceDataKeyFile = (file: string, wrapped: string): void =>
  renameSync(writeDraft(file, wrapped), file)

function writeDraft(file: string, wrapped: string): string {
  const draft = `${file}.${processIdentity()}`
  writeFileSync(draft, wrapped, { mode: 0o600, flush: true })
  return draft
}
