import { callAdmin } from '../config/admin-client.ts'
import { adminAccess, type CommandOptions } from '../config/command-options.ts'

type Backup = { readonly name: string; readonly time: number; readonly tables: readonly string[] }

export async function backupCommand(options: CommandOptions, name: string): Promise<void> {
  const call = { method: 'POST', path: '/warehouse/backups', body: { name } } as const
  print('Backed up', await callAdmin<Backup>(adminAccess(options), call))
}

export async function restoreCommand(options: CommandOptions, name: string): Promise<void> {
  const path = `/warehouse/backups/${encodeURIComponent(name)}/restore`
  const call = { method: 'POST', path, body: {} } as const
  print('Restored', await callAdmin<Backup>(adminAccess(options), call))
}

const print = (what: string, { name, time, tables }: Backup): void =>
  console.log(`${what} ${tables.join(', ')} until ${new Date(time).toISOString()} (${name}).`)
