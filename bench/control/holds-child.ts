import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { threadMilliseconds } from '../../test/harness/hostile-texts.ts'

/** Milliseconds for which a worker must not hold its event loop. */
const longHold = 10

// Preloaded into the processes of a subject (`openHolds`).
const directory = process.env['WEIR_BENCH_HOLDS']
let longest = 0
let long = 0
let last = threadMilliseconds()
if (directory !== undefined) {
  // A timer fires at most once per iteration of the loop. CPU time of the thread: other work on the machine does not count.
  setInterval(() => {
    const now = threadMilliseconds()
    longest = Math.max(longest, now - last)
    if (now - last > longHold) long += 1
    last = now
  }, 1).unref()
  process.on('SIGUSR2', () => {
    const file = join(directory, String(process.pid))
    writeFileSync(`${file}.part`, JSON.stringify({ longest, long }))
    renameSync(`${file}.part`, file)
    longest = 0
    long = 0
  })
}
