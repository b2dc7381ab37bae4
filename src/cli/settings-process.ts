import { invalidSettings } from './read-settings-apart.ts'
import { SettingsError } from './settings-error.ts'
import { readSettings } from './settings.ts'

try {
  process.stdout.write(JSON.stringify(readSettings()))
} catch (error) {
  if (!(error instanceof SettingsError)) throw error
  console.error(error.message)
  process.exitCode = invalidSettings
}
