import type { Log } from './log.ts'

export type LogLimits = {
  /** Lines of one level and message in each interval; further ones are counted, not written. */
  readonly burst?: number
  /** Milliseconds. */
  readonly interval?: number
}

type Level = keyof Log
type Fields = Readonly<Record<string, unknown>>
type Window = { written: number; suppressed: number }

/**
 * Limits each message of a log, so that a fault in every request does not fill the disk. At the end of an
 * interval with omitted lines, one more line of the message has their number as `suppressed`. Messages must be
 * constant text: variable parts belong in the fields.
 */
export function limitLog(log: Log, { burst = 10, interval = 10_000 }: LogLimits = {}): Log {
  const windows = new Map<string, Window>()
  const limited =
    (level: Level) =>
    (message: string, fields?: Fields): void => {
      const key = `${level} ${message}`
      let window = windows.get(key)
      if (window === undefined) {
        const end = (): void => {
          const suppressed = windows.get(key)?.suppressed ?? 0
          windows.delete(key)
          if (suppressed > 0) log[level](message, { suppressed })
        }
        window = { written: 0, suppressed: 0 }
        windows.set(key, window)
        setTimeout(end, interval).unref()
      }
      if (window.written >= burst) {
        window.suppressed += 1
        return
      }
      window.written += 1
      log[level](message, fields)
    }
  return { info: limited('info'), warn: limited('warn'), error: limited('error') }
}
