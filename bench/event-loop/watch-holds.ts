import { threadMilliseconds } from '../../test/harness/hostile-texts.ts'

/**
 * Answers `read` and `reset` of the parent process with the longest time for which the event loop of this process ran
 * without a pause, in milliseconds of CPU time of its thread: other work on the machine does not count.
 */
export function answerReads(): void {
  let longest = 0
  let last = threadMilliseconds()
  // A timer fires at most once per iteration of the loop.
  setInterval(() => {
    const now = threadMilliseconds()
    longest = Math.max(longest, now - last)
    last = now
  }, 1)
  process.on('message', (message: 'reset' | 'read') => {
    if (message === 'reset') longest = 0
    process.send?.({ held: longest })
  })
  process.on('disconnect', () => process.exit())
}
