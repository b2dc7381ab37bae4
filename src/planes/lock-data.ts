import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../lib/problem.ts'
import { isRunning, processIdentity } from '../lib/process-identity.ts'

/** Makes the data directory this process's own, so that no two programs write into it; returns how to give it back. */
export function lockData(directory: string): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const path = join(directory, 'lock')
  const own = `${path}.${processIdentity()}`
  writeFileSync(own, processIdentity())
  try {
    if (existsSync(path) && !isRunning(readFileSync(path, 'utf8'))) rmSync(path, { force: true })
    linkSync(own, path)
  } catch {
    const [pid] = readFileSync(path, 'utf8').split('-')
    throw new Problem(
      'data.in_use',
      409,
      `the data directory ${directory} is in use by process ${pid}`,
    )
  } finally {
    rmSync(own)
  }
  return () => rmSync(path, { force: true })
}
