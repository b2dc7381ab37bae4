import { close, closeSync, fdatasync, fsync, open } from 'node:fs'
import { promisify } from 'node:util'
import { openSerialQueue } from '../lib/serial-queue.ts'

/** Files of a directory whose bytes a sync has to write. */
export type SyncedFiles = {
  markWritten(file: number): void
  /** Closes the file, after its sync if one is due. */
  close(file: number): void
  /** Resolves when everything that was written before is on the disk. */
  sync(this: void): Promise<void>
}

export function openSyncedFiles(directory: string): SyncedFiles {
  const queue = openSerialQueue()
  let unsynced = new Set<number>()
  let syncing = new Set<number>()
  const closing = new Set<number>()

  const sync = async (): Promise<void> => {
    syncing = unsynced
    unsynced = new Set()
    try {
      for (const file of syncing) await syncData(file)
      // A segment whose name is not on the disk is not found again.
      if (syncing.size > 0) await syncDirectory(directory)
    } finally {
      const synced = syncing
      syncing = new Set()
      for (const file of synced) {
        if (!unsynced.has(file) && closing.delete(file)) closeSync(file)
      }
    }
  }

  return {
    markWritten: (file) => void unsynced.add(file),
    close(file) {
      if (unsynced.has(file) || syncing.has(file)) closing.add(file)
      else closeSync(file)
    },
    sync: () => queue.run(sync),
  }
}

const syncData = promisify(fdatasync)

/** Writes the names of a directory to the disk. */
export async function syncDirectory(path: string): Promise<void> {
  const file = await promisify(open)(path, 'r')
  try {
    await promisify(fsync)(file)
  } finally {
    await promisify(close)(file)
  }
}
