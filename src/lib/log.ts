import type { LogLevel, LogThreshold } from './log-threshold.ts'

/** A structured log for operators. */
export type Log = {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void
  error(message: string, fields?: Readonly<Record<string, unknown>>): void
}

/** A Log that writes nothing. */
export const silentLog: Log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** A Log that writes JSON lines to standard error under the name of the process. */
export function openLog(
  name: string,
  write: (line: string) => void = (line) => void process.stderr.write(line),
  { admits }: Pick<LogThreshold, 'admits'> = { admits: () => true },
): Log {
  const log =
    (level: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) =>
      admits(level) &&
      write(
        `${JSON.stringify({ time: new Date().toISOString(), level, name, message, ...fields }, plainErrors)}\n`,
      )
  return { info: log('info'), warn: log('warn'), error: log('error') }
}

const plainErrors = (_key: string, value: unknown): unknown =>
  value instanceof Error
    ? { message: value.message, stack: value.stack, cause: value.cause }
    : value
