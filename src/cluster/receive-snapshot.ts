import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
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

/** Seals what rests on a disk. */
export type ShelfSeal = {
  seal(this: void, clear: string, place: string): string
  open(this: void, sealed: string, place: string): string
}

const place = 'gateway/snapshot'

/** Opens the shelf in `directory`, where the snapshot rests sealed, because private keys are in it. A write replaces the file in one step; what cannot be read counts as nothing. */
export function openSnapshotShelf(directory: string, { seal, open }: ShelfSeal): SnapshotShelf {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'snapshot.sealed')
  // Where it rested in clear before it was sealed.
  const former = join(directory, 'snapshot.json')
  return {
    read() {
      try {
        const text = existsSync(path)
          ? open(readFileSync(path, 'utf8'), place)
          : readFileSync(former, 'utf8')
        return JSON.parse(text) as Received
      } catch {
        return undefined
      }
    },
    keep(received) {
      const draft = `${path}.${processIdentity()}`
      writeFileSync(draft, seal(JSON.stringify(received), place), { mode: 0o600 })
      renameSync(draft, path)
      rmSync(former, { force: true })
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
