/** Runs one task after the other, in the order they came. */
export type SerialQueue = { run<T>(task: () => Promise<T>): Promise<T> }

/** Opens an empty queue. */
export function openSerialQueue(): SerialQueue {
  let last: Promise<unknown> = Promise.resolve()
  return {
    run(task) {
      const mine = last.then(task)
      // The caller gets the result or the rejection. The queue ignores both, and runs the next task.
      last = mine.then(ignore, ignore)
      return mine
    },
  }
}

const ignore = (): void => undefined
