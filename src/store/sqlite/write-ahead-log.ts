import { once } from 'node:events'
import { open } from 'node:fs/promises'
import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'
import { openSharedRun } from '../../lib/shared-run.ts'

/** The write-ahead log of a database in WAL mode, for transactions whose log is so long that writing it would block the event loop. */
export type WriteAheadLog = {
  /** Flushes what a transaction has written so far, so that its commit flushes only the rest. */
  flush(): Promise<void>
  /** Commits, and then copies the log into the database in a thread. */
  checkpointAfter<T>(commit: () => Promise<T>): Promise<T>
  /** Flushes what was written before the call. Those who ask during a flush share the next one. */
  flushTogether(this: void): Promise<void>
  /** Waits for the thread. */
  settled(): Promise<void>
}

/** Pages; SQLite's default. The commit that makes the log longer copies it into the database. */
const autoCheckpoint = 1_000

export function openWriteAheadLog(file: string, connection: DatabaseSync): WriteAheadLog {
  let checkpoints = 0
  let settled = Promise.resolve()
  const checkpoint = async (): Promise<void> => {
    await checkpointInThread(file)
    checkpoints -= 1
    if (checkpoints === 0 && connection.isOpen) setAutoCheckpoint(connection, autoCheckpoint)
  }
  const flushTogether = openSharedRun(() => syncFile(`${file}-wal`))
  return {
    flush: () => syncFile(`${file}-wal`).catch(() => undefined),
    flushTogether: () =>
      flushTogether().catch((error: unknown) => {
        // Closing the database copies and removes the log.
        if (connection.isOpen) throw error
      }),
    async checkpointAfter(commit) {
      checkpoints += 1
      setAutoCheckpoint(connection, 0)
      try {
        return await commit()
      } finally {
        settled = settled.then(checkpoint)
      }
    },
    settled: () => settled,
  }
}

/** SQLite locks the database and the index of its log, but not the log: closing it here releases no lock. */
async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.datasync()
  } finally {
    await file.close()
  }
}

const setAutoCheckpoint = (connection: DatabaseSync, pages: number): void =>
  connection.exec(`PRAGMA wal_autocheckpoint = ${pages}`)

/** When it fails, the next small commit copies the log. */
async function checkpointInThread(file: string): Promise<void> {
  const worker = new Worker(new URL('checkpoint-worker.ts', import.meta.url), { workerData: file })
  await once(worker, 'exit').catch(() => undefined)
}
