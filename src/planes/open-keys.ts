import { join } from 'node:path'
import type { Keyring } from '../lib/cipher.ts'
import type { Log } from '../lib/log.ts'
import { openKeyring } from '../secrets/keyring.ts'
import { readMasterKey, type KeySource } from '../secrets/master-key.ts'
import type { PlaneSettings } from './plane-settings.ts'

/** The settings of the key that encrypts secrets. */
export type KeySettings = Pick<PlaneSettings, 'data' | 'encryptionKey' | 'encryptionKeyFile'>

/** Opens the keyring of the key in the settings; without one, makes a key in the data directory. */
export const openKeys = (settings: KeySettings, log: Log): Keyring =>
  openKeyring(
    readMasterKey(keySourceOf(settings), (file) =>
      log.warn('secrets: encryption key generated, back it up outside of the data directory', {
        file,
      }),
    ),
  )

export function keySourceOf({ data, encryptionKey, encryptionKeyFile }: KeySettings): KeySource {
  if (encryptionKey !== undefined) return { text: encryptionKey, name: 'WEIR_ENCRYPTION_KEY' }
  if (encryptionKeyFile !== undefined) return { file: encryptionKeyFile, mayMake: false }
  return { file: join(data, 'encryption.key'), mayMake: true }
}

/** The file of the wrapped data key for what a gateway keeps on disk. */
export const gatewayDataKey = ({ data }: Pick<KeySettings, 'data'>): string =>
  join(data, 'gateway', 'data-key')
