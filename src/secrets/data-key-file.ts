import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Cipher, Keyring } from '../lib/cipher.ts'
import { processIdentity } from '../lib/process-identity.ts'

/** The cipher of the data key in a file, which is made when it is not there; of two processes that make it both get the same. */
export function openDataKeyFile(file: string, keyring: Keyring): Cipher {
  const kept = readDataKeyFile(file)
  if (kept !== undefined) return keyring.openDataKey(kept)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  const draft = draftOf(file, keyring.makeDataKey())
  try {
    linkSync(draft, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(draft)
  }
  return keyring.openDataKey(readFileSync(file, 'utf8'))
}

/** The wrapped data key in a file; undefined when there is none. */
export function readDataKeyFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Puts a wrapped data key in the place of the one that is there, in one step. */
export const replaceDataKeyFile = (file: string, wrapped: string): void =>
  renameSync(draftOf(file, wrapped), file)

function draftOf(file: string, wrapped: string): string {
  const draft = `${file}.${processIdentity()}`
  writeFileSync(draft, wrapped, { mode: 0o600, flush: true })
  return draft
}
