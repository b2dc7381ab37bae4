import type { Cipher } from '../lib/cipher.ts'

/** Leaves everything as it is: for a store that is opened without keys. */
export const plainCipher: Cipher = {
  seal: (clear) => clear,
  open: (sealed) => sealed,
  sealValue: (clear) => clear,
  openValue: (sealed) => sealed,
  sealBytes: (clear) => clear,
  openBytes: (sealed) => sealed,
  digest: (clear) => clear,
}
