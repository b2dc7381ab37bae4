import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { processIdentity } from '../lib/process-identity.ts'
import type { SealedSnapshot, Snapshot } from '../schema/snapshot.ts'
import { verifySeal } from '../snapshot/seal-snapshot.ts'

/** A sealed snapshot with the key that proves it. */
export type Received = { readonly sealed: SealedSnapshot; readonly publicKey: string }

/** The last snapshot that ran on this node, kept for a start without a control plane. */
export type SnapshotShelf = {
  read(): Received | undefined
  keep(received: Received): void
}

/** Opens the shelf in `directory`. A write replaces the file in one step. */
export function openSnapshotShelf(directory: string): SnapshotShelf {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'snapshot.json')
  return {
    read() {
      try {
        return JSON.parse(readFileSync(path, 'utf8')) as Received
      } catch {
        return undefined
      }
    },
    keep(received) {
      const draft = `${path}.${processIdentity()}`
      writeFileSync(draft, JSON.stringify(received), { mode: 0o600 })
      renameSync(draft, path)
    },
  }
}

/** A snapshot's way into a node: verify the seal, compile, keep on disk, swap. Throws before anything changed when the seal is wrong or it does not compile. */
export function receiveSnapshot<Program>(
  received: Received,
  node: {
    compile(snapshot: Snapshot, revision: number): Program
    swap(program: Program): void
    shelf: Pick<SnapshotShelf, 'keep'>
  },
): void {
  const snapshot = verifySeal(received.sealed, received.publicKey)
  const program = node.compile(snapshot, received.sealed.revision)
  node.shelf.keep(received)
  node.swap(program)
}
