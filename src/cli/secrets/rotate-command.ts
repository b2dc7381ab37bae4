import { renameSync } from 'node:fs'
import { Problem } from '../../lib/problem.ts'
import { keySourceOf, type KeySettings } from '../../planes/open-keys.ts'
import { addMasterKey, rewrap } from '../../secrets/keyring.ts'
import { readMasterKey, type MasterKey } from '../../secrets/master-key.ts'
import { readSettings } from '../settings.ts'
import { rewrapDataKeys } from './rewrap-data-keys.ts'

/** Replaces the current master key, or adds a second one when `to` names a file. At every moment one of the two files unwraps every data key, so an interruption loses nothing. */
export async function rotateCommand(data: string | undefined, to: string | undefined) {
  const settings = readSettings({ WEIR_DATA: data })
  const source = keySourceOf(settings)
  const current = currentKey(settings)
  const own = 'file' in source ? source.file : undefined
  const file = to ?? (own === undefined ? undefined : `${own}.next`)
  if (file === undefined) {
    const message = `The current key is in ${current.source}; name a file for the new one with --to`
    throw new Problem('cli.key_place', 400, message)
  }
  // Created only when there is a data key to wrap.
  const readNext = () => readMasterKey({ file, mayMake: true }, () => undefined)
  const count = await rewrapDataKeys(settings, (wrapped) =>
    addMasterKey(wrapped, current, readNext()),
  )
  const next = readNext()
  if (to !== undefined || own === undefined) {
    console.log(`${count} data keys are wrapped with ${keyLabel(current)} and ${keyLabel(next)}.`)
    console.log('Restart every process with the new key, then run `weir secrets retire` with it.')
    return
  }
  renameSync(file, own)
  await rewrapDataKeys(settings, (wrapped) => rewrap(wrapped, next))
  console.log(`${count} data keys are wrapped with the new key in ${own} (${next.id}) only.`)
}

/** Removes every wrapping but that of the current key. */
export async function retireCommand(data: string | undefined) {
  const settings = readSettings({ WEIR_DATA: data })
  const current = currentKey(settings)
  const count = await rewrapDataKeys(settings, (wrapped) => rewrap(wrapped, current))
  console.log(`${count} data keys are wrapped with ${keyLabel(current)} only.`)
}

/** Never creates a key: without one nothing is encrypted. */
function currentKey(settings: KeySettings): MasterKey {
  const source = keySourceOf(settings)
  return readMasterKey('file' in source ? { ...source, mayMake: false } : source, () => undefined)
}

const keyLabel = ({ source, id }: MasterKey): string => `${source} (${id})`
