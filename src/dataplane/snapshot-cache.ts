import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { VerifiedSnapshot } from '../cluster/control-client.ts'
import type { Cipher } from '../lib/cipher.ts'
import type { CooperativeTask } from '../lib/cooperative-task.ts'
import type { Log } from '../lib/log.ts'
import { isRunning, processIdentity } from '../lib/process-identity.ts'
import { openSerialQueue } from '../lib/serial-queue.ts'
import { readLegacySnapshot, removeLegacySnapshot, type LegacySnapshot } from './legacy-snapshot.ts'
import {
  appendToSnapshotFile,
  createSnapshotFile,
  newestRevision,
  readSnapshotFile,
  type FileCipher,
  type SnapshotFile,
} from './snapshot-file.ts'

/** A snapshot with what proves that a control plane sealed it. */
export type ReceivedSnapshot = VerifiedSnapshot | LegacySnapshot

/** The last applied snapshot on disk, for a start without a control plane. */
export type SnapshotCache = {
  /** Undefined when there is none, or when it cannot be read, which is logged. */
  read(): CooperativeTask<ReceivedSnapshot | undefined>
  /** Writes what differs from the snapshot before. Of several that wait, only the last is written. */
  write(applied: VerifiedSnapshot): Promise<void>
}

/** Bytes of deltas that are not worth a new file. */
const minCompactedBytes = 1024 * 1024

/** Other workers that start may take files while they are listed. */
const maxAttempts = 10

/**
 * Opens the cache in `directory`. Every worker writes its own file, and continues the file of a worker that has
 * ended. Files are encrypted, because private keys are in them, and replaced in one step when the deltas in them have
 * outgrown the snapshot that they begin with.
 */
export function openSnapshotCache(
  directory: string,
  cipher: Pick<Cipher, 'open' | 'sealBytes' | 'openBytes'>,
  log: Pick<Log, 'error'>,
  owner: string = processIdentity(),
): SnapshotCache {
  const folder = join(directory, 'snapshots')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, owner)
  const draft = (purpose: string): string => `${path}.${purpose}`
  const queue = openSerialQueue()
  let file: SnapshotFile | undefined
  let latest: VerifiedSnapshot | undefined
  let compactAt = 0
  let isCompacting = false
  let isTidy = false
  let restored: VerifiedSnapshot | undefined

  const replace = (fresh: SnapshotFile): void => {
    renameSync(fresh.path, path)
    file = { ...fresh, path }
    compactAt = fresh.baseSize + Math.max(fresh.baseSize, minCompactedBytes)
  }
  const save = async (applied: VerifiedSnapshot): Promise<void> => {
    if (file !== undefined && file.written.publicKey === applied.publicKey) {
      try {
        file = await appendToSnapshotFile(file, applied, cipher)
        return
      } catch (error) {
        // The file was removed externally.
        if (!isMissing(error)) throw error
      }
    }
    replace(await createSnapshotFile(draft('new'), applied, cipher))
  }
  const saveLatest = async (): Promise<void> => {
    if (latest === undefined || latest === file?.written) return
    await save(latest)
    tidy()
    void compact()
  }
  const logFailure = (error: unknown): void =>
    log.error('dataplane: snapshot not cached on disk', { path, error })
  const compact = async (): Promise<void> => {
    if (file === undefined || isCompacting || file.size < compactAt) return
    isCompacting = true
    try {
      const fresh = await createSnapshotFile(draft('compact'), file.written, cipher)
      await queue.run(async () => {
        const written = file?.written
        if (written?.publicKey === fresh.written.publicKey)
          replace(await appendToSnapshotFile(fresh, written, cipher))
      })
    } catch (error) {
      compactAt *= 2
      log.error('dataplane: cached snapshot not compacted', { path, error })
    } finally {
      isCompacting = false
      rmSync(draft('compact'), { force: true })
    }
  }
  const tidy = (): void => {
    if (isTidy) return
    isTidy = true
    removeLegacySnapshot(directory)
    for (const name of readdirSync(folder)) {
      if (ownerOf(name) !== owner && !isRunning(ownerOf(name)))
        rmSync(join(folder, name), { force: true })
    }
  }
  /** Continues a file whose worker has ended; of several that try, one succeeds. */
  const adopt = (found: SnapshotFile): void => {
    if (isRunning(ownerOf(found.path.slice(folder.length + 1)))) return
    try {
      replace(found)
    } catch {
      // Another worker took it, or the disk is read-only.
    }
  }
  const readFiles = function* (): CooperativeTask<VerifiedSnapshot | undefined> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      let isChanging = false
      for (const candidate of filesOf(folder, cipher)) {
        try {
          const found = yield* readSnapshotFile(candidate, cipher)
          adopt(found)
          return found.written
        } catch (error) {
          isChanging = isMissing(error)
          if (isChanging) break
          log.error('dataplane: cached snapshot cannot be read', { path: candidate, error })
        }
      }
      if (!isChanging) break
    }
    return undefined
  }
  return {
    *read() {
      try {
        restored = yield* readFiles()
        return restored ?? readLegacySnapshot(directory, cipher)
      } catch (error) {
        log.error('dataplane: cached snapshot cannot be read', { path: directory, error })
        return undefined
      }
    },
    async write(applied) {
      latest = applied
      const written = queue.run(saveLatest)
      // It is on disk already, in the file of another worker.
      if (applied === restored) written.catch(logFailure)
      else await written
    },
  }
}

/** The files of a folder that are complete, the newest revision first; of one revision, the last written. A worker may write an older revision later than others. */
function filesOf(folder: string, cipher: FileCipher): string[] {
  const paths = readdirSync(folder)
    .filter((name) => !name.includes('.'))
    .map((name) => join(folder, name))
  if (paths.length < 2) return paths
  return paths
    .map((path) => ({ path, revision: revisionOf(path, cipher), time: timeOf(path) }))
    .toSorted((a, b) => (a.revision === b.revision ? b.time - a.time : b.revision - a.revision))
    .map(({ path }) => path)
}

/** Infinity for a file that cannot be read: it is tried first, and the failure logged. */
function revisionOf(path: string, cipher: FileCipher): number {
  try {
    return newestRevision(path, cipher) ?? Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

const timeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0

/** The identity of the process that a file belongs to. */
const ownerOf = (name: string): string => name.split('.', 1)[0] ?? ''

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'
