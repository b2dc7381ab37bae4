import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { keepDefaultCertificate } from './keep-default-certificate.ts'

test('workers that start at the same time share one default certificate, which later ones find', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'weir-certificate-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const directory = join(folder, 'gateway')
  const keep = () => keepDefaultCertificate(directory)
  const pairs = await Promise.all([keep(), keep(), keep()])
  const [first] = pairs
  for (const pair of [...pairs, await keep()]) expect(pair).toEqual(first)
  expect(new X509Certificate(String(first?.cert)).checkHost('localhost')).toBe('localhost')
  const { mode } = await stat(join(directory, 'default-certificate.pem'))
  expect(mode & 0o777).toBe(0o600)
})
