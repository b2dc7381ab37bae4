import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../lib/log.ts'
import { openRecorder, type Recorder } from '../telemetry/open-recorder.ts'
import { openSpoolLimit } from '../telemetry/open-spool-limit.ts'
import { openSpool, type Spool } from '../telemetry/open-spool.ts'
import { watchSpool, type SpoolWatch } from '../telemetry/watch-spool.ts'
import type { PlaneSettings } from './plane-settings.ts'

/** A worker's part of recording: writes events to its spool, or counts them while that is full. */
export function openRecording(
  {
    data,
    durability,
    spoolLimit,
    workers,
  }: Pick<PlaneSettings, 'data' | 'durability' | 'spoolLimit' | 'workers'>,
  sheds: (workspace: string) => boolean,
  log: Log,
): Recorder & SpoolWatch & { readonly spool: Spool } {
  const directory = join(data, 'spool')
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const space = openSpoolLimit(directory, spoolLimit, workers)
  const spool = openSpool(directory, durability.mode !== 'commit', space)
  const watch = watchSpool({ spool, space, countsDirectory: join(data, 'unrecorded') }, log)
  const recorded = {
    append: spool.append,
    sync: async () => void (await Promise.all([spool.sync(), watch.counts()?.sync()])),
    get isFull() {
      return spool.isFull
    },
  }
  const recorder = openRecorder(recorded, log, durability, { counts: watch.counts, sheds })
  return { ...recorder, ...watch, spool }
}
