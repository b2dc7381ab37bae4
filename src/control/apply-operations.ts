import { setImmediate } from 'node:timers/promises'
import { applyOperation, type Circumstances } from './apply-operation.ts'
import type { Draft } from './draft.ts'
import type { Operation, Outcome } from './operation.ts'
import { checkReferences } from './remove-entry.ts'

/** Told how many of all operations are done. */
export type TellProgress = (done: number, total: number) => void

/** So many operations are done before others have their turn with the processor. */
const atOnce = 200

/** Does operations to a draft, all of them or none, and lets the process do other things in between. */
export async function applyOperations(
  draft: Draft,
  operations: readonly Operation[],
  circumstances: Circumstances & { readonly tell?: TellProgress | undefined },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const operation of operations) {
    outcomes.push(applyOperation(draft, operation, circumstances))
    if (outcomes.length % atOnce === 0) {
      circumstances.tell?.(outcomes.length, operations.length)
      await setImmediate()
    }
  }
  if (operations.some(({ kind }) => kind === 'remove' || kind === 'restore')) checkReferences(draft)
  circumstances.tell?.(operations.length, operations.length)
  return outcomes
}
