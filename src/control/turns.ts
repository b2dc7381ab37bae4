/** Lets one piece of work run after the other, in the order they came. */
export type Turns = { take<T>(work: () => Promise<T>): Promise<T> }

/** Opens an empty queue. */
export function openTurns(): Turns {
  let last: Promise<unknown> = Promise.resolve()
  return {
    take(work) {
      const mine = last.then(work)
      last = mine.catch(() => undefined)
      return mine
    },
  }
}
