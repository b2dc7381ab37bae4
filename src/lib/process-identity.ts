import { readFileSync } from 'node:fs'

/** An identity that is not reused when the pid is: the pid and, on Linux, the start time in ticks since boot. */
export function processIdentity(pid = process.pid): string {
  return `${pid}-${startTicks(pid) ?? 'x'}`
}

export function isRunning(identity: string): boolean {
  const [pid = '', ticks] = identity.split('-', 2)
  if (!exists(Number(pid))) return false
  const current = startTicks(Number(pid))
  return current === undefined || ticks === 'x' || current === ticks
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Field 22 of /proc/PID/stat. The command in field 2 may contain spaces, so counting starts after its closing parenthesis. A zombie counts as ended. */
function startTicks(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? 'zombie' : fields[19]
  } catch {
    // No /proc, or the process has just ended.
    return undefined
  }
}
