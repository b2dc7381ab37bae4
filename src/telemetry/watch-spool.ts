import type { Log } from '../lib/log.ts'
import type { SpaceLimit } from './open-spool-limit.ts'
import type { Spool } from './open-spool.ts'
import { openUnrecordedCounts, type UnrecordedCounts } from './unrecorded/open-counts.ts'

export type SpoolWatch = {
  /** Undefined while there is no space for them. */
  counts(this: void): UnrecordedCounts | undefined
  stop(this: void): void
}

/** Measures the space of a spool every second, and logs when it is full and when it has space again. */
export function watchSpool(
  {
    spool,
    space,
    countsDirectory,
  }: {
    readonly spool: Pick<Spool, 'isFull' | 'bytes'>
    readonly space: SpaceLimit
    readonly countsDirectory: string
  },
  log: Log,
): SpoolWatch {
  let counts: UnrecordedCounts | undefined
  let wasFull = false
  const open = (): void => {
    try {
      counts = openUnrecordedCounts(countsDirectory)
    } catch (error) {
      log.error('spool: no space for counts of events that are not recorded', { error })
    }
  }
  const report = (): void => {
    if (spool.isFull === wasFull) return
    wasFull = spool.isFull
    const fields = { bytes: spool.bytes, max_bytes: space.maxBytes, disk_full: space.isDiskFull }
    if (wasFull) log.error('spool: full, requests are refused or their events are shed', fields)
    else log.info('spool: events are recorded again', fields)
  }
  const refresh = (): void =>
    void space.refresh().then(
      () => {
        if (counts === undefined && !space.isDiskFull) open()
        report()
      },
      (error: unknown) => log.error('spool: free space of the file system unknown', { error }),
    )
  open()
  refresh()
  const timer = setInterval(refresh, 1_000).unref()
  return {
    counts: () => counts,
    stop() {
      clearInterval(timer)
      counts?.close()
      counts = undefined
    },
  }
}
