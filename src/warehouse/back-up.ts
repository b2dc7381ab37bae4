import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Problem } from '../lib/problem.ts'
import type { SelectRows } from './rollup-log.ts'
import type { Table } from './tables.ts'

/** A backup of the rows of the warehouse, in the directory for backups. */
export type Backup = {
  readonly name: string
  /** Milliseconds since the epoch, when it was complete: no row in it is newer. */
  readonly time: number
  readonly tables: readonly string[]
}

export type Backups = {
  /** Copies the rows to a directory of this name, beside inserts and queries. */
  create(name: string): Promise<Backup>
  /** Adds the rows of a backup; every row that is stored already must be newer than it. */
  restore(name: string): Promise<Backup>
}

export type BackupOptions = {
  /** Directory of backups; undefined disables them. */
  readonly directory: string | undefined
  /** Tables with source rows. Rollups are rebuilt from them. */
  readonly tables: readonly Table[]
  readonly query: SelectRows
  readonly command: (sql: string) => Promise<unknown>
  readonly now: () => number
}

export function openBackups({ directory, tables, query, command, now }: BackupOptions): Backups {
  const names = tables.map((table) => table.name)
  const list = names.map((name) => `TABLE ${name}`).join(', ')
  const pathOf = (name: string): string => {
    if (directory === undefined)
      throw new Problem('warehouse.no_backups', 501, 'No directory for backups is configured.')
    if (!/^[A-Za-z\d][\w.-]{0,99}$/.test(name))
      throw new Problem(
        'warehouse.backup_name',
        400,
        'name: expected letters, digits, dots, dashes and underscores, at most 100',
      )
    return join(directory, name)
  }
  const file = (path: string): string =>
    `File('${path.replaceAll('\\', '\\\\').replaceAll(`'`, `\\'`)}/rows')`
  return {
    async create(name) {
      const path = pathOf(name)
      try {
        await mkdir(dirname(path), { recursive: true, mode: 0o700 })
        await mkdir(path, { mode: 0o700 })
      } catch (cause) {
        const exists = (cause as NodeJS.ErrnoException).code === 'EEXIST'
        throw exists
          ? new Problem('warehouse.backup_exists', 409, `A backup named ${name} exists already.`)
          : failed('created', cause)
      }
      try {
        await command(`BACKUP ${list} TO ${file(path)}`)
        const backup = { name, time: now(), tables: names }
        await writeFile(join(path, 'backup.json'), JSON.stringify(backup), { mode: 0o600 })
        return backup
      } catch (cause) {
        await rm(path, { recursive: true, force: true })
        throw failed('created', cause)
      }
    },
    async restore(name) {
      const path = pathOf(name)
      const backup = await readBackup(path, name)
      for (const table of backup.tables) {
        const [row] = await query(
          `SELECT count() AS rows, toUnixTimestamp64Milli(min(time)) AS oldest FROM ${table}`,
        )
        if (Number(row?.['rows']) > 0 && Number(row?.['oldest']) <= backup.time)
          throw new Problem(
            'warehouse.not_empty',
            409,
            `Table ${table} has rows from before the backup. Restoring would store rows twice.`,
          )
      }
      try {
        await command(`RESTORE ${list} FROM ${file(path)} SETTINGS ${restoreSettings}`)
      } catch (cause) {
        throw failed('restored', cause)
      }
      return backup
    },
  }
}

/** A backup of an earlier version has fewer columns. */
const restoreSettings = 'allow_non_empty_tables = 1, allow_different_table_def = 1'

async function readBackup(path: string, name: string): Promise<Backup> {
  try {
    return JSON.parse(await readFile(join(path, 'backup.json'), 'utf8')) as Backup
  } catch (cause) {
    throw new Problem(
      'warehouse.backup_unknown',
      404,
      `There is no complete backup named ${name}.`,
      {
        cause,
      },
    )
  }
}

const failed = (what: string, cause: unknown): Problem =>
  new Problem(
    'warehouse.backup',
    503,
    `The backup could not be ${what}. The log contains the reason.`,
    {
      cause,
    },
  )
