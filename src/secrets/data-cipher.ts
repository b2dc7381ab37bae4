import { createHmac, hkdfSync } from 'node:crypto'
import type { Cipher } from '../lib/cipher.ts'
import { openBox, sealBox } from './sealed-box.ts'

/** Opens the cipher of a data key. Encryption and digests use separate derived keys. */
export function openDataCipher(dataKey: Uint8Array): Cipher {
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', dataKey, '', purpose, 32))
  const sealing = derive('weir seal')
  const digesting = derive('weir digest')
  const seal = (clear: string, aad: string): string =>
    prefix + sealBox(sealing, Buffer.from(clear), aad).toString('base64url')
  const open = (sealed: string, aad: string): string => {
    const box = Buffer.from(sealed.slice(prefix.length), 'base64url')
    return openBox(sealing, box, aad).toString()
  }
  return {
    seal,
    open,
    sealValue: (clear, aad) => seal(JSON.stringify(clear), aad),
    openValue: (sealed, aad) => JSON.parse(open(sealed as string, aad)) as unknown,
    sealBytes: (clear, aad) => sealBox(sealing, clear, aad),
    openBytes: (sealed, aad) => openBox(sealing, sealed, aad),
    digest: (clear) => createHmac('sha256', digesting).update(clear).digest('base64url'),
  }
}

/** Prefix of sealed texts, with the version of the format. */
const prefix = 'sealed:1:'
