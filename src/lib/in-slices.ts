/** Work that can be interrupted wherever it yields. */
export type Sliceable<T> = Generator<void, T>

/** Does all of it at once. */
export function atOnce<T>(work: Sliceable<T>): T {
  for (;;) {
    const { done, value } = work.next()
    if (done === true) return value
  }
}

/** Does it in slices of about so many milliseconds, and leaves as much time between them to whatever else there is to do. */
export async function inSlices<T>(work: Sliceable<T>, milliseconds = 4): Promise<T> {
  for (;;) {
    const end = performance.now() + milliseconds
    do {
      const { done, value } = work.next()
      if (done === true) return value
    } while (performance.now() < end)
    await new Promise((resolve) => void setTimeout(resolve, milliseconds))
  }
}

/** Lets whatever waits in the event loop go first. */
export const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))
