import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { Keyring } from '../lib/cipher.ts'
import { Problem } from '../lib/problem.ts'
import { openDataCipher } from './data-cipher.ts'
import type { MasterKey } from './master-key.ts'
import { openBox, sealBox } from './sealed-box.ts'

/** A data key, wrapped by one or more master keys. */
const wrapping = z.strictObject({
  wraps: z.array(z.strictObject({ by: z.string(), box: z.base64url() })).min(1),
})
type Wrapping = z.output<typeof wrapping>

export const openKeyring = (master: MasterKey): Keyring => ({
  makeDataKey: () => JSON.stringify({ wraps: [wrap(randomBytes(32), master)] }),
  openDataKey: (wrapped) => openDataCipher(unwrap(wrapped, master)),
})

/** Wraps a data key for a second master key too. */
export function addMasterKey(wrapped: string, master: MasterKey, second: MasterKey): string {
  const wraps = parse(wrapped).wraps.filter(({ by }) => by !== second.id)
  const dataKey = unwrap(wrapped, master)
  return JSON.stringify({ wraps: [...wraps, wrap(dataKey, second)] } satisfies Wrapping)
}

/** Drops the wraps of all other master keys; throws a Problem when this one does not unwrap the data key. */
export const rewrap = (wrapped: string, master: MasterKey): string =>
  JSON.stringify({ wraps: [wrap(unwrap(wrapped, master), master)] } satisfies Wrapping)

const aadOf = (by: string): string => `data key wrapped by ${by}`

const wrap = (dataKey: Uint8Array, { id: by, bytes }: MasterKey) => ({
  by,
  box: sealBox(bytes, dataKey, aadOf(by)).toString('base64url'),
})

function unwrap(wrapped: string, { id, bytes, source }: MasterKey): Buffer {
  const { wraps } = parse(wrapped)
  const own = wraps.find(({ by }) => by === id)
  if (own === undefined) {
    const others = wraps.map(({ by }) => by).join(', ')
    const message = `The encryption key ${source} (${id}) is not the one that encrypted the secrets (${others})`
    throw new Problem('secrets.wrong_key', 500, message)
  }
  return openBox(bytes, Buffer.from(own.box, 'base64url'), aadOf(id))
}

function parse(wrapped: string): Wrapping {
  try {
    return wrapping.parse(JSON.parse(wrapped))
  } catch (cause) {
    throw new Problem('secrets.data_key', 500, 'The data key is damaged', { cause })
  }
}
