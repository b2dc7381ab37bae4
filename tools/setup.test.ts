import { spawn } from 'node:child_process'
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

const program = join(dirname(fileURLToPath(import.meta.url)), 'setup.mjs')
let root = ''
const at = (path: string): string => join(root, path)

/** A fake npm: records its call and fails with NPM_FAILS, otherwise installs Node and Vite slowly enough for two runs to overlap. */
const npm = `
  const { appendFileSync, mkdirSync, symlinkSync, rmSync, writeFileSync } = require('node:fs')
  appendFileSync('calls', 'npm ' + process.argv.slice(2).join(' ') + '\\n')
  if (process.env.NPM_FAILS) { console.error(process.env.NPM_FAILS); process.exit(1) }
  setTimeout(() => {
    mkdirSync('node_modules/.bin', { recursive: true })
    mkdirSync('node_modules/vite/bin', { recursive: true })
    rmSync('node_modules/.bin/node', { force: true })
    symlinkSync(process.execPath, 'node_modules/.bin/node')
    writeFileSync('node_modules/vite/bin/vite.js', ${JSON.stringify(vite())})
  }, 200)`

function vite(): string {
  return `
    const { appendFileSync, mkdirSync, writeFileSync } = require('node:fs')
    appendFileSync('calls', 'vite\\n')
    const out = process.argv[process.argv.indexOf('--outDir') + 1]
    mkdirSync(out, { recursive: true })
    writeFileSync(out + '/index.html', 'built')`
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'weir-setup-'))
  for (const folder of ['tools', 'ui', 'src/schema']) mkdirSync(at(folder), { recursive: true })
  cpSync(program, at('tools/setup.mjs'))
  writeFileSync(at('package.json'), '{"dependencies":{},"devDependencies":{}}')
  writeFileSync(at('package-lock.json'), '{}')
  writeFileSync(at('ui/index.html'), '<p>')
  writeFileSync(at('npm-cli.js'), npm)
})
afterEach(() => rmSync(root, { recursive: true }))

function setUp(env = {}, ...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [at('tools/setup.mjs'), ...args], {
    cwd: tmpdir(),
    env: {
      ...process.env,
      npm_execpath: at('npm-cli.js'),
      npm_node_execpath: process.execPath,
      ...env,
    },
  })
  let output = ''
  const keep = (chunk: Buffer): void => {
    output += chunk.toString()
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })))
}

function calls(): string[] {
  const text = existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8') : ''
  rmSync(at('calls'), { force: true })
  return text.split('\n').flatMap((line) => line.split(' ')[0] || [])
}

test('installs and builds with progress in the first run, and prints nothing in the second', async () => {
  const first = await setUp()
  expect(first).toMatchObject({ code: 0 })
  expect(first.output).toMatch(
    /Installing packages … \d+ s, done[^]*Building the pages … \d+ s, done/,
  )
  expect(readFileSync(at('dist/ui/index.html'), 'utf8')).toBe('built')
  expect(calls()).toEqual(['npm', 'vite'])
  expect(await setUp()).toEqual({ code: 0, output: '' })
  expect(calls()).toEqual([])
})

test.each([
  ['a page', 'ui/index.html', ['vite']],
  ['a shared shape', 'src/schema/route.ts', ['vite']],
  ['a test of a page', 'ui/page.test.ts', []],
  ['the lock file', 'package-lock.json', ['npm', 'vite']],
])('after a change of %s repeats only the steps that depend on it', async (_, path, expected) => {
  await setUp()
  calls()
  appendFileSync(at(path), ' ')
  await setUp()
  expect(calls()).toEqual(expected)
})

test('builds nothing with --no-ui', async () => {
  await setUp({}, '--no-ui')
  expect(calls()).toEqual(['npm'])
})

test('a second run waits for the first', async () => {
  const both = await Promise.all([setUp(), setUp()])
  expect(both.map(({ code }) => code)).toEqual([0, 0])
  expect(calls()).toEqual(['npm', 'vite'])
})

test('takes over the lock of a process that has exited', async () => {
  const gone = await new Promise<number | undefined>((resolve) => {
    const child = spawn(process.execPath, ['-e', ''])
    child.on('exit', () => resolve(child.pid))
  })
  writeFileSync(at('.weir-setup'), String(gone))
  expect(await setUp()).toMatchObject({ code: 0 })
  expect(existsSync(at('.weir-setup'))).toBe(false)
})

test.each([
  ['npm error code ENOSPC', 'The disk is full.'],
  ['npm error code ENOTFOUND', 'The package registry could not be reached.'],
  ['npm error something else', 'npm error something else'],
])('explains "%s" of npm, and tries again in the next run', async (said, output) => {
  const failed = await setUp({ NPM_FAILS: said })
  expect(failed.code).toBe(1)
  expect(failed.output).toContain(output)
  expect(failed.output).not.toMatch(/\n +at /)
  expect(await setUp()).toMatchObject({ code: 0 })
})
