import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { onTestFinished } from 'vitest'

/** Mounts a file system of some bytes at a path until the test is over. Needs root or sudo. */
export function mountSmallDisk(path: string, bytes: number): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const run = (...command: string[]): void => {
    const [program = '', ...args] = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command]
    execFileSync(program, args)
  }
  const owner = `uid=${process.getuid?.() ?? 0},gid=${process.getgid?.() ?? 0},mode=0700`
  run('mount', '-t', 'tmpfs', '-o', `size=${bytes},${owner}`, 'tmpfs', path)
  onTestFinished(() => run('umount', '-l', path))
}
