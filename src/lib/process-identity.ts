import { readFileSync } from 'node:fs'

/** A name for a process that no later process gets, even with the same pid: pid and, on Linux, when it started in ticks since boot. */
export function processIdentity(pid = process.pid): string {
  return `${pid}-${startTicks(pid) ?? 'x'}`
}

/** Whether the process of that identity still runs. */
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

/** Field 22 of /proc/PID/stat; the command before it may hold blanks, so counting starts after its closing parenthesis. A zombie counts as gone. */
function startTicks(pid: number): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? 'zombie' : fields[19]
  } catch {
    return undefined
  }
}
