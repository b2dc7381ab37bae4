import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import type { TestContext } from 'vitest'

/** Mounts a file system of some bytes at a path until the test is over; skips the test without root or sudo. */
export function mountSmallDisk(
  { skip, onTestFinished }: Pick<TestContext, 'skip' | 'onTestFinished'>,
  path: string,
  bytes: number,
): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const run = (...command: string[]): void => {
    const [program = '', ...args] = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command]
    execFileSync(program, args, { stdio: 'pipe' })
  }
  const owner = `uid=${process.getuid?.() ?? 0},gid=${process.getgid?.() ?? 0},mode=0700`
  try {
    run('mount', '-t', 'tmpfs', '-o', `size=${bytes},${owner}`, 'tmpfs', path)
  } catch {
    skip('no file system can be mounted here, which needs root')
  }
  onTestFinished(() => run('umount', '-l', path))
}
