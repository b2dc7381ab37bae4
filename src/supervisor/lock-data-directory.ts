import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Problem } from '../lib/problem.ts'
import { isRunning, processIdentity } from '../lib/process-identity.ts'

/** Locks a data directory for this process, so that no two programs write into it; returns the function that unlocks it. */
export function lockDataDirectory(directory: string): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  closeToOthers(directory)
  const path = join(directory, 'lock')
  const draft = `${path}.${processIdentity()}`
  writeFileSync(draft, processIdentity())
  try {
    if (existsSync(path) && !isRunning(readFileSync(path, 'utf8'))) rmSync(path, { force: true })
    linkSync(draft, path)
  } catch (cause) {
    throw lockProblem(directory, path, cause)
  } finally {
    rmSync(draft)
  }
  return () => rmSync(path, { force: true })
}

/** Everything in it is reachable through the directory alone, so that its mode protects every file, regardless of their modes. */
function closeToOthers(directory: string): void {
  if ((statSync(directory).mode & 0o077) === 0) return
  try {
    chmodSync(directory, 0o700)
  } catch (cause) {
    const message = `The data directory ${directory} is open to other users and its mode cannot be changed: ${(cause as Error).message}; run chmod 700 on it as its owner`
    throw new Problem('data.mode', 500, message, { cause })
  }
}

function lockProblem(directory: string, path: string, cause: unknown): Problem {
  if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
    const message = `The data directory ${directory} cannot be locked: ${(cause as Error).message}`
    return new Problem('data.lock', 500, message, { cause })
  }
  const [pid] = readFileSync(path, 'utf8').split('-')
  const message = `The data directory ${directory} is in use by process ${pid}`
  return new Problem('data.in_use', 409, message, { cause })
}
