/** Work that may be suspended at each `yield`. */
export type CooperativeTask<T> = Generator<void, T>

/** Runs a task without suspending it. */
export function runToCompletion<T>(task: CooperativeTask<T>): T {
  for (;;) {
    const { done, value } = task.next()
    if (done === true) return value
  }
}

/** Runs a task in slices of about `milliseconds`, with pauses in which the event loop serves other work. */
export async function runSliced<T>(
  task: CooperativeTask<T>,
  milliseconds = 4,
  pause = milliseconds,
): Promise<T> {
  for (;;) {
    const end = performance.now() + milliseconds
    do {
      const { done, value } = task.next()
      if (done === true) return value
    } while (performance.now() < end)
    await new Promise((resolve) => void setTimeout(resolve, pause))
  }
}

/** Runs a task with a waiting caller, in slices of about 10 ms between which all queued work runs. */
export const runBetweenEvents = <T>(task: CooperativeTask<T>): Promise<T> => runSliced(task, 10, 1)

/** A point at which a task is suspended every `steps` times that it is passed: `yield* pause()`. */
export function everySteps(steps: number): () => CooperativeTask<void> {
  let passed = 0
  return function* pause() {
    passed += 1
    if (passed % steps === 0) yield
  }
}

/** Resolves after all work that is already queued in the event loop. */
export const yieldToEventLoop = (): Promise<void> =>
  new Promise((resolve) => void setImmediate(resolve))
