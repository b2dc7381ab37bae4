import { setTimeout as sleep } from 'node:timers/promises'

/** Waits until `probe` gives something other than undefined, false or a rejection; fails after `milliseconds` with the awaited condition. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  milliseconds = 45_000,
): Promise<NonNullable<T>> {
  const deadline = performance.now() + milliseconds
  let last: unknown
  // Longer and longer: a probe that looks at every process costs as much as what it waits for.
  let pause = 10
  while (performance.now() < deadline) {
    try {
      const found = await probe()
      if (found !== undefined && found !== null && found !== false) return found
      last = found
    } catch (error) {
      last = error
    }
    await sleep(pause)
    pause = Math.min(pause * 1.25, 100)
  }
  throw new Error(`${what} did not come true in ${milliseconds} ms; last: ${String(last)}`)
}
