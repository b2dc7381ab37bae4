import { createHmac, hkdfSync } from 'node:crypto'
import { openBox, sealBox } from './sealed-box.ts'

/** Seals and opens with one data key. The place is part of a seal: what is moved elsewhere cannot be opened there. */
export type DataCipher = {
  seal(clear: string, place: string): string
  open(sealed: string, place: string): string
  /** The same for a value of JSON. */
  sealValue(clear: unknown, place: string): unknown
  openValue(sealed: unknown, place: string): unknown
  sealBytes(clear: Uint8Array, place: string): Uint8Array
  openBytes(sealed: Uint8Array, place: string): Uint8Array
  /** A keyed hash: the same for equal texts, and of no use to whoever has no key. */
  digest(clear: string): string
}

/** The cipher of a data key, from which it derives a key for each purpose. */
export function openDataCipher(dataKey: Uint8Array): DataCipher {
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
