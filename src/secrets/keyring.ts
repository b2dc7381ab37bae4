import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Keyring } from '../lib/cipher.ts'
import { Problem } from '../lib/problem.ts'
import { openDataCipher } from './data-cipher.ts'
import type { MasterKey } from './master-key.ts'
import { openBox, sealBox } from './sealed-box.ts'

/** A data key wrapped once for each master key that opens it. */
const wrapping = z.strictObject({
  wraps: z.array(z.strictObject({ by: z.string(), box: z.base64url() })).min(1),
})
type Wrapping = z.output<typeof wrapping>

/** Opens the keyring of a master key. */
export const openKeyring = (master: MasterKey): Keyring => ({
  makeDataKey: () => JSON.stringify({ wraps: [wrap(randomBytes(32), master)] }),
  openDataKey: (wrapped) => openDataCipher(unwrap(wrapped, master)),
})

/** A wrapped data key that a second master key opens too. */
export function addMasterKey(wrapped: string, master: MasterKey, second: MasterKey): string {
  const wraps = parse(wrapped).wraps.filter(({ by }) => by !== second.id)
  const dataKey = unwrap(wrapped, master)
  return JSON.stringify({ wraps: [...wraps, wrap(dataKey, second)] } satisfies Wrapping)
}

/** A wrapped data key that only this master key opens; throws a Problem when it does not. */
export const keepOnly = (wrapped: string, master: MasterKey): string =>
  JSON.stringify({ wraps: [wrap(unwrap(wrapped, master), master)] } satisfies Wrapping)

const place = (by: string): string => `data key wrapped by ${by}`

const wrap = (dataKey: Uint8Array, { id: by, bytes }: MasterKey) => ({
  by,
  box: sealBox(bytes, dataKey, place(by)).toString('base64url'),
})

function unwrap(wrapped: string, { id, bytes, source }: MasterKey): Buffer {
  const { wraps } = parse(wrapped)
  const own = wraps.find(({ by }) => by === id)
  if (own === undefined) {
    const others = wraps.map(({ by }) => by).join(', ')
    const message = `The encryption key ${source} (${id}) is not the one by which the secrets were sealed (${others})`
    throw new Problem('secrets.wrong_key', 500, message)
  }
  return openBox(bytes, Buffer.from(own.box, 'base64url'), place(id))
}

function parse(wrapped: string): Wrapping {
  try {
    return wrapping.parse(JSON.parse(wrapped))
  } catch (cause) {
    throw new Problem('secrets.data_key', 500, 'The data key is damaged', { cause })
  }
}
