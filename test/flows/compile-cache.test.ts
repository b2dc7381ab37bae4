import { execFile } from 'node:child_process'
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { startWeir } from '../harness/start-weir.ts'

const root = resolve(import.meta.dirname, '../..')
const run = promisify(execFile)

test('every process of a node uses the compile cache, and loads only what it needs', async () => {
  // With this variable, Node reports each use of the cache on standard error.
  const weir = await startWeir({ env: { NODE_DEBUG_NATIVE: 'COMPILE_CACHE', WEIR_WORKERS: '1' } })
  for (const module of ['program', 'run-supervisor', 'control-plane', 'gateway-worker'])
    expect(weir.output()).toMatch(
      new RegExp(
        `reading cache from \\S+/node_modules/.cache/weir/\\S+ for ESM \\S+/${module}\\.ts`,
      ),
    )
  const loaded = [
    ...weir.output().matchAll(/reading cache from \S+ for \w+ \S*\/node_modules\/([^\s[]+)/g),
  ].map(([, path = '']) => path)
  const packages = new Set(loaded.map((path) => /^(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]))
  expect(packages).toContain('fastify')
  // Only some configurations need these packages, which are loaded on demand.
  for (const name of ['ajv', 'ioredis', 'pg', 'undici', 'yaml'])
    expect(packages).not.toContain(name)
  // Launcher and supervisor only wait; another process parsed their settings and has ended.
  const parsers = loaded.filter((path) => path.startsWith('zod/index.js'))
  expect(parsers).toHaveLength(['control plane', 'gateway worker'].length)
})

test('runs without a compile cache when its directory cannot be made', async () => {
  const copy = copyProgram()
  writeFileSync(join(copy, 'node_modules/.cache'), '')
  const { stdout, stderr } = await run(process.execPath, [join(copy, 'src/cli/main.js'), '--help'])
  expect(stdout).toContain('Usage: weir')
  expect(stderr).toBe('')
})

test('NODE_COMPILE_CACHE names another directory', async () => {
  const copy = copyProgram()
  const other = join(copy, 'other')
  await run(process.execPath, [join(copy, 'src/cli/main.js'), '--version'], {
    env: { ...process.env, NODE_COMPILE_CACHE: other },
  })
  expect(readdirSync(other)).toHaveLength(1)
  expect(readdirSync(join(copy, 'node_modules'))).not.toContain('.cache')
})

/** A copy of the program whose packages are links, so that what it writes beside them is its own. */
function copyProgram(): string {
  const copy = mkdtempSync(join(tmpdir(), 'weir-cached-'))
  onTestFinished(() => rmSync(copy, { recursive: true, force: true }))
  for (const part of ['src', 'package.json'])
    cpSync(join(root, part), join(copy, part), { recursive: true })
  mkdirSync(join(copy, 'node_modules'))
  for (const name of readdirSync(join(root, 'node_modules')))
    if (!name.startsWith('.'))
      symlinkSync(join(root, 'node_modules', name), join(copy, 'node_modules', name))
  return copy
}
