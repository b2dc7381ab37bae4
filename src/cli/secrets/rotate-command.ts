import { renameSync } from 'node:fs'
import { Problem } from '../../lib/problem.ts'
import { keySourceOf, type KeySettings } from '../../planes/open-keys.ts'
import { addMasterKey, keepOnly } from '../../secrets/keyring.ts'
import { readMasterKey, type MasterKey } from '../../secrets/master-key.ts'
import { readSettings } from '../settings.ts'
import { rewrapDataKeys } from './rewrap-data-keys.ts'

/** Puts a new key in the place of the present one, or beside it when a file is named for it. An end in between harms nothing: at every moment one of the two keys at hand opens everything. */
export async function rotateCommand(data: string | undefined, to: string | undefined) {
  const settings = readSettings({ WEIR_DATA: data })
  const source = keySourceOf(settings)
  const present = presentKey(settings)
  const own = 'file' in source ? source.file : undefined
  const file = to ?? (own === undefined ? undefined : `${own}.next`)
  if (file === undefined) {
    const message = `The key is in ${present.source}: name a file for the new one with --to`
    throw new Problem('cli.key_place', 400, message)
  }
  // Made when the first data key was found, so that nothing is made where there is none.
  const readNext = () => readMasterKey({ file, mayMake: true }, () => undefined)
  const count = await rewrapDataKeys(settings, (wrapped) =>
    addMasterKey(wrapped, present, readNext()),
  )
  const next = readNext()
  if (to !== undefined || own === undefined) {
    console.log(`${count} data keys are opened by ${nameOf(present)} and by ${nameOf(next)} now.`)
    console.log('Start every process with the new one, then run `weir secrets retire` with it.')
    return
  }
  renameSync(file, own)
  await rewrapDataKeys(settings, (wrapped) => keepOnly(wrapped, next))
  console.log(`${count} data keys are opened by the new key in ${own} (${next.id}), and no other.`)
}

/** Takes every key but the present one away. */
export async function retireCommand(data: string | undefined) {
  const settings = readSettings({ WEIR_DATA: data })
  const present = presentKey(settings)
  const count = await rewrapDataKeys(settings, (wrapped) => keepOnly(wrapped, present))
  console.log(`${count} data keys are opened by ${nameOf(present)}, and no other.`)
}

/** The key that is there; where there is none, none is made, because nothing is sealed by it. */
function presentKey(settings: KeySettings): MasterKey {
  const source = keySourceOf(settings)
  return readMasterKey('file' in source ? { ...source, mayMake: false } : source, () => undefined)
}

const nameOf = ({ source, id }: MasterKey): string => `${source} (${id})`
