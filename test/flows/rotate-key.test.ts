import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.js')

test('rotates the key of a running node, after which only the new one decrypts', async () => {
  const weir = await startWeir({ env: { WEIR_WORKERS: '1' } })
  const { data } = weir
  const file = join(data, 'encryption.key')
  expect(weir.output()).toContain('secrets: encryption key generated')
  copyFileSync(file, join(data, 'old.key'))
  await addConsumer(weir, 'before')
  const said = await secrets(['rotate', '--data', data])
  expect(said).toContain('2 data keys are wrapped with the new key')
  expect(readFileSync(file, 'utf8')).not.toBe(readFileSync(join(data, 'old.key'), 'utf8'))
  await addConsumer(weir, 'after')
  await weir.stop()

  const old = { WEIR_ENCRYPTION_KEY_FILE: join(data, 'old.key'), WEIR_WORKERS: '1' }
  await expect(startWeir({ data, env: old })).rejects.toThrow(/old\.key .* is not the one/)

  const again = await startWeir({ data, env: { WEIR_WORKERS: '1' } })
  expect(await keyOf(again, 'before')).toBe('key-of-before')
  expect(await keyOf(again, 'after')).toBe('key-of-after')
}, 180_000)

test('rotates a key in the environment with two keys valid in between', async () => {
  const key = randomBytes(32).toString('hex')
  const env = { WEIR_ENCRYPTION_KEY: key, WEIR_WORKERS: '1' }
  const weir = await startWeir({ env })
  const { data } = weir
  const next = join(data, 'next.key')
  await expect(secrets(['rotate', '--data', data], env)).rejects.toThrow('with --to')
  await addConsumer(weir, 'c')
  expect(await secrets(['rotate', '--data', data, '--to', next], env)).toContain(
    'weir secrets retire',
  )
  await weir.stop()
  const newer = { WEIR_ENCRYPTION_KEY_FILE: next, WEIR_WORKERS: '1' }
  for (const either of [env, newer]) {
    const again = await startWeir({ data, env: either })
    expect(await keyOf(again, 'c')).toBe('key-of-c')
    await again.stop()
  }
  await secrets(['retire', '--data', data], newer)
  await expect(secrets(['retire', '--data', data], env)).rejects.toThrow('is not the one')
}, 180_000)

async function secrets(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const run = promisify(execFile)
  const environment = { PATH: process.env['PATH'], ...env }
  const { stdout } = await run(process.execPath, [main, 'secrets', ...command], {
    env: environment,
  })
  return stdout
}

async function addConsumer(weir: TestWeir, username: string): Promise<void> {
  await weir.admin('PUT', `/consumers/${username}`, {})
  await weir.admin('POST', `/consumers/${username}/key-auth`, { key: `key-of-${username}` })
  await until('the key to be kept', () => keyOf(weir, username))
}

async function keyOf(weir: TestWeir, username: string): Promise<string | undefined> {
  const response = await weir.admin('GET', `/consumers/${username}/key-auth`)
  const { data = [] } = (await response.json()) as { data?: { key: string }[] }
  return data[0]?.key
}

test('changes and makes no key where nothing is encrypted', async () => {
  const data = mkdtempSync(join(tmpdir(), 'weir-nothing-'))
  onTestFinished(() => rmSync(data, { recursive: true, force: true }))
  for (const command of ['rotate', 'retire']) {
    await expect(secrets([command, '--data', data])).rejects.toThrow(/encryption\.key/)
    const env = { WEIR_ENCRYPTION_KEY: randomBytes(32).toString('hex') }
    const to = command === 'rotate' ? ['--to', join(data, 'next.key')] : []
    await expect(secrets([command, '--data', data, ...to], env)).rejects.toThrow(
      'nothing is encrypted there',
    )
  }
  expect(readdirSync(data)).toEqual([])
}, 180_000)
