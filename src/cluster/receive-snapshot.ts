import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runSliced, yieldToEventLoop, type CooperativeTask } from '../lib/cooperative-task.ts'
import { processIdentity } from '../lib/process-identity.ts'
import type { SealedSnapshot, Snapshot } from '../schema/snapshot.ts'
import { verifySteps } from '../snapshot/seal-snapshot.ts'

/** A sealed snapshot with the key that proves it. */
export type Received = { readonly sealed: SealedSnapshot; readonly publicKey: string }

/** The last snapshot that ran on this node, kept for a start without a control plane. */
export type SnapshotShelf = {
  read(): Received | undefined
  keep(received: Received): Promise<void>
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
        return readKept(text)
      } catch {
        return undefined
      }
    },
    async keep(received) {
      const draft = `${path}.${processIdentity()}`
      await writeFile(draft, seal(writeKept(received), place), { mode: 0o600 })
      renameSync(draft, path)
      rmSync(former, { force: true })
    },
  }
}

/** A line of its own, then the body as it is: nothing large is written or read as JSON twice. */
function writeKept({ sealed: { body, ...sealed }, publicKey }: Received): string {
  return `${JSON.stringify({ ...sealed, publicKey })}\n${body}`
}

function readKept(text: string): Received {
  const end = text.indexOf('\n')
  if (end < 0) return JSON.parse(text) as Received
  const { publicKey, ...sealed } = JSON.parse(text.slice(0, end)) as Omit<SealedSnapshot, 'body'> &
    Pick<Received, 'publicKey'>
  return { sealed: { ...sealed, body: text.slice(end + 1) }, publicKey }
}

/** A snapshot's way into a node: verify the seal, compile, keep on disk, swap. A large one goes step by step, and requests go between the steps. Rejects before anything changed when the seal is wrong or it does not compile. */
export async function receiveSnapshot<Program>(
  received: Received,
  node: {
    compile(snapshot: Snapshot, revision: number): CooperativeTask<Program>
    /** Completes a snapshot with what does not travel in it. */
    complete?(snapshot: Snapshot): Promise<Snapshot>
    swap(program: Program): void
    shelf: Pick<SnapshotShelf, 'keep'>
  },
): Promise<void> {
  const { sealed, publicKey } = received
  const verified = await runSliced(verifySteps(sealed, publicKey))
  const snapshot = (await node.complete?.(verified)) ?? verified
  const program = await runSliced(node.compile(snapshot, sealed.revision))
  await yieldToEventLoop()
  await node.shelf.keep(received)
  node.swap(program)
}
