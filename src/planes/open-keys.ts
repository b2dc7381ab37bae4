import { join } from 'node:path'
import type { Keyring } from '../lib/cipher.ts'
import type { Log } from '../lib/log.ts'
import { openKeyring } from '../secrets/keyring.ts'
import { readMasterKey, type KeySource, type MasterKey } from '../secrets/master-key.ts'
import type { PlaneSettings } from './plane-settings.ts'

/** What the settings say about the key by which secrets are sealed. */
export type KeySettings = Pick<PlaneSettings, 'data' | 'encryptionKey' | 'encryptionKeyFile'>

/** The key by which secrets are sealed: the one that was given, or one that is made in the data directory. */
export const readKey = (settings: KeySettings, log: Log): MasterKey =>
  readMasterKey(keySourceOf(settings), (file) =>
    log.warn('a key to seal secrets with was made; keep a copy of it away from the data', { file }),
  )

/** Opens the keyring of that key. */
export const openKeys = (settings: KeySettings, log: Log): Keyring =>
  openKeyring(readKey(settings, log))

/** Where the key is. */
export function keySourceOf({ data, encryptionKey, encryptionKeyFile }: KeySettings): KeySource {
  if (encryptionKey !== undefined) return { text: encryptionKey, name: 'WEIR_ENCRYPTION_KEY' }
  if (encryptionKeyFile !== undefined) return { file: encryptionKeyFile, mayMake: false }
  return { file: join(data, 'encryption.key'), mayMake: true }
}

/** Where the data key of what the gateway keeps on disk is. */
export const gatewayDataKey = ({ data }: Pick<KeySettings, 'data'>): string =>
  join(data, 'gateway', 'data-key')
