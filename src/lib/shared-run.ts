import { openSerialQueue } from './serial-queue.ts'

/** Runs one task at a time. All calls during a run share the next one, which sees everything that was written before the call. */
export function openSharedRun<T>(work: () => Promise<T>): () => Promise<T> {
  const queue = openSerialQueue()
  let waiting: Promise<T> | undefined
  return () =>
    (waiting ??= queue.run(() => {
      waiting = undefined
      return work()
    }))
}
