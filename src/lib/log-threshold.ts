/** Kong's log levels, the most verbose first. Weir logs as info, warn and error. */
export const logLevels = [
  'debug',
  'info',
  'notice',
  'warn',
  'error',
  'crit',
  'alert',
  'emerg',
] as const

export type LogLevel = (typeof logLevels)[number]

/** The minimum level of written log messages. */
export type LogThreshold = {
  readonly level: LogLevel
  /** Whether a message of a level is written. */
  admits(this: void, level: LogLevel): boolean
  /** Changes the level for some time, after which it is info again. */
  change(this: void, level: LogLevel, milliseconds: number): void
}

const initial: LogLevel = 'info'

/** A threshold at info. */
export function openLogThreshold(): LogThreshold {
  let level = initial
  let timer: NodeJS.Timeout | undefined
  return {
    get level() {
      return level
    },
    admits: (other) => logLevels.indexOf(other) >= logLevels.indexOf(level),
    change(next, milliseconds) {
      clearTimeout(timer)
      level = next
      timer = setTimeout(() => (level = initial), milliseconds).unref()
    },
  }
}
