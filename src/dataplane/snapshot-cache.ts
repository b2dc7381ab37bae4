import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cipher } from '../lib/cipher.ts'
import type { Log } from '../lib/log.ts'
import { processIdentity } from '../lib/process-identity.ts'
import type { SealedSnapshot } from '../schema/snapshot.ts'

/** A sealed snapshot and the key that verifies its seal. */
export type ReceivedSnapshot = { readonly sealed: SealedSnapshot; readonly publicKey: string }

/** The last applied snapshot on disk, for a start without a control plane. All workers of a node share it. */
export type SnapshotCache = {
  /** Undefined when there is none, or, which is logged, when it cannot be read. */
  read(): ReceivedSnapshot | undefined
  /** Keeps the cached snapshot when it is a newer one, which another worker has applied already. */
  write(received: ReceivedSnapshot): Promise<void>
}

/** The additional authenticated data of the encrypted file. */
const aad = 'gateway/snapshot'

/** Opens the cache in `directory`. The file is encrypted, because private keys are in it, and replaced in one step. */
export function openSnapshotCache(
  directory: string,
  { seal, open }: Pick<Cipher, 'seal' | 'open'>,
  log: Pick<Log, 'error'>,
): SnapshotCache {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'snapshot.sealed')
  // Before it was encrypted it was called this.
  const legacyPath = join(directory, 'snapshot.json')
  /** The last revision that this worker read or wrote. */
  let last: number | undefined

  const load = (): ReceivedSnapshot | undefined => {
    if (existsSync(path)) return parse(open(readFileSync(path, 'utf8'), aad))
    return existsSync(legacyPath) ? parse(readFileSync(legacyPath, 'utf8')) : undefined
  }
  const isWritten = ({ sealed, publicKey }: ReceivedSnapshot, isForward: boolean): boolean => {
    try {
      const cached = load()
      if (cached === undefined || cached.publicKey !== publicKey) return false
      if (cached.sealed.signature === sealed.signature) return existsSync(path)
      return isForward && cached.sealed.revision > sealed.revision
    } catch {
      // What cannot be read is replaced.
      return false
    }
  }
  return {
    read() {
      try {
        const cached = load()
        last = cached?.sealed.revision
        return cached
      } catch (error) {
        log.error('dataplane: cached snapshot cannot be read', { path, error })
        return undefined
      }
    },
    async write(received) {
      const { revision } = received.sealed
      // Revisions go back only when the store was restored from a backup; the cache follows it then.
      const isForward = last !== undefined && last <= revision
      last = revision
      if (isWritten(received, isForward)) return
      const draft = `${path}.${processIdentity()}`
      await writeFile(draft, seal(format(received), aad), { mode: 0o600 })
      renameSync(draft, path)
      rmSync(legacyPath, { force: true })
    },
  }
}

/** The head as one line of JSON, then the body as it is: nothing large is stringified or parsed twice. */
function format({ sealed: { body, ...sealed }, publicKey }: ReceivedSnapshot): string {
  return `${JSON.stringify({ ...sealed, publicKey })}\n${body}`
}

function parse(text: string): ReceivedSnapshot {
  const end = text.indexOf('\n')
  if (end < 0) return JSON.parse(text) as ReceivedSnapshot
  const { publicKey, ...sealed } = JSON.parse(text.slice(0, end)) as Omit<SealedSnapshot, 'body'> &
    Pick<ReceivedSnapshot, 'publicKey'>
  return { sealed: { ...sealed, body: text.slice(end + 1) }, publicKey }
}
