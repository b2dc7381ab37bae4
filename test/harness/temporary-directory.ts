import { mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'

const place = '/dev/shm'
const prefix = 'weir-tests-'

/**
 * Gives the tests of this process and of those that it forks a temporary directory in memory, where the machine has
 * room for it. Stores wait for the disk after every commit, so on a disk the tests mostly wait; what a killed process
 * has written survives it either way.
 */
export function keepTemporaryFilesInMemory(): void {
  if (process.env['TMPDIR'] !== undefined || !hasRoom()) return
  for (const name of readdirSync(place))
    if (name.startsWith(prefix) && !isRunning(Number(name.slice(prefix.length))))
      rmSync(join(place, name), { recursive: true, force: true })
  const directory = join(place, `${prefix}${process.pid}`)
  // PostgreSQL runs as another user.
  mkdirSync(directory, { recursive: true, mode: 0o755 })
  process.env['TMPDIR'] = directory
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
}

/** Bytes. The files of all tests need less than a third of it at any time. */
const needed = 2 * 1024 ** 3

function hasRoom(): boolean {
  try {
    const { bavail, bsize } = statfsSync(place)
    return bavail * bsize >= needed && process.availableMemory() >= 2 * needed
  } catch {
    return false
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
