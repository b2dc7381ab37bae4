import { createHmac, hkdfSync } from 'node:crypto'
import type { Cipher } from '../lib/cipher.ts'
import { openBox, sealBox } from './sealed-box.ts'

/** The cipher of a data key, from which it derives a key for each purpose. */
export function openDataCipher(dataKey: Uint8Array): Cipher {
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', dataKey, '', purpose, 32))
  const sealing = derive('weir seal')
  const digesting = derive('weir digest')
  const seal = (clear: string, place: string): string =>
    form + sealBox(sealing, Buffer.from(clear), place).toString('base64url')
  const open = (sealed: string, place: string): string => {
    const box = Buffer.from(sealed.slice(form.length), 'base64url')
    return openBox(sealing, box, place).toString()
  }
  return {
    seal,
    open,
    sealValue: (clear, place) => seal(JSON.stringify(clear), place),
    openValue: (sealed, place) => JSON.parse(open(sealed as string, place)) as unknown,
    sealBytes: (clear, place) => sealBox(sealing, clear, place),
    openBytes: (sealed, place) => openBox(sealing, sealed, place),
    digest: (clear) => createHmac('sha256', digesting).update(clear).digest('base64url'),
  }
}

/** Says how a text was sealed, so that another way may follow. */
const form = 'sealed:1:'
