import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '../..')

/** The environment, in which `overrides` take precedence. */
export const environmentWith = (
  overrides: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> => ({
  ...process.env,
  ...Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined)),
})

/** The address of the Admin API, the token for it, and the CA of its certificate. */
export function readAdminAccess(): {
  readonly url: string
  readonly token: string | undefined
  /** Path of a PEM file. */
  readonly caFile: string | undefined
} {
  const {
    WEIR_ADMIN_URL: url,
    WEIR_ADMIN_TOKEN: token,
    WEIR_ADMIN_CA_CERT_FILE: caFile,
  } = process.env
  return {
    url: url === undefined || url === '' ? 'http://127.0.0.1:8001' : url,
    token,
    caFile: caFile === '' ? undefined : caFile,
  }
}

/** The environment variables whose names begin with `prefix`. */
export const readVariables = (prefix: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      (pair): pair is [string, string] => pair[0].startsWith(prefix) && pair[1] !== undefined,
    ),
  )

/** Settings whose names begin like those of variables for vaults. */
const vaultSettings = ['WEIR_VAULT_ENV_PREFIX', 'WEIR_VAULT_FILES']

/** A variable of the environment for vault references. Weir's own settings are excluded, because they hold its secrets. */
export const readVariable = (name: string): string | undefined =>
  (name.startsWith('WEIR_') && !name.startsWith('WEIR_VAULT_')) || vaultSettings.includes(name)
    ? undefined
    : process.env[name]

/** Sets the directory of Node's compile cache for child processes. */
export function setCompileCache(directory: string): void {
  process.env['NODE_COMPILE_CACHE'] = directory
  process.env['NODE_COMPILE_CACHE_PORTABLE'] = '1'
}

/**
 * Makes glibc return every allocation of 256 KiB or more to the system when child processes free it. By default it raises
 * that limit to 32 MiB after the first one, and freed documents then leave holes in the heap that are never returned.
 */
export function returnLargeAllocations(): void {
  process.env['MALLOC_MMAP_THRESHOLD_'] ??= '262144'
}

/** Makes a temporary data directory. */
export const temporaryData = (): string => mkdtempSync(join(tmpdir(), 'weir-'))

/** The version of this program. */
export function readVersion(): string {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string
  }
  return version
}
