import { execFile } from 'node:child_process'
import { join } from 'node:path'
import type { PlaneSettings } from '../planes/plane-settings.ts'
import { environmentWith } from './environment.ts'
import { SettingsError } from './settings-error.ts'

/** Exit code of the process that reads the settings, when one of them is invalid. */
export const invalidSettings = 2

const module = join(import.meta.dirname, 'settings-process.ts')

/** Reads the settings as `readSettings` does, in a separate process: the parser takes 25 MB, which a long-running launcher or supervisor would keep. */
export async function readSettingsApart(
  overrides: Readonly<Record<string, string | undefined>>,
): Promise<PlaneSettings> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [...process.execArgv, module],
      { env: environmentWith(overrides) },
      (error, stdout, stderr) => {
        if (error === null) resolve(JSON.parse(stdout) as PlaneSettings)
        else if (error.code === invalidSettings) reject(new SettingsError(stderr.trim()))
        else reject(new Error(`The settings could not be read: ${stderr}`, { cause: error }))
      },
    )
  })
}
