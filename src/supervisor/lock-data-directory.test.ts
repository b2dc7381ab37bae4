import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { lockDataDirectory } from './lock-data-directory.ts'

test('a data directory that was made with mode 0755 is closed to other users at the start', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-mode-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  chmodSync(directory, 0o755)
  mkdirSync(join(directory, 'spool'), { mode: 0o755 })
  writeFileSync(join(directory, 'weir.db'), '', { mode: 0o644 })
  const unlock = lockDataDirectory(directory)
  expect(statSync(directory).mode & 0o777).toBe(0o700)
  unlock()
})
