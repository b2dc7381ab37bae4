import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openTestAdmin } from './admin-harness.ts'

test('the Manager serves index.html outside the API, and caches assets forever', async () => {
  const uiDirectory = await mkdtemp(join(tmpdir(), 'weir-ui-'))
  onTestFinished(() => rm(uiDirectory, { recursive: true, force: true }))
  await mkdir(join(uiDirectory, 'assets'))
  await writeFile(join(uiDirectory, 'index.html'), '<title>Weir</title>')
  await writeFile(join(uiDirectory, 'assets', 'app-1a2b3c.js'), 'export {}')
  const admin = await openTestAdmin({ uiDirectory })
  const get = (path: string) => admin.ask('GET', path, undefined, { manager: true, token: '' })
  for (const path of ['/', '/overview', '/setup?secret=x', '/ProductX/services', '/index.html']) {
    const page = await get(path)
    expect([path, page.status, page.text]).toEqual([path, 200, '<title>Weir</title>'])
    expect(page.headers.get('cache-control')).toBe('no-cache')
    expect(page.headers.get('content-security-policy')).toContain(`script-src 'self';`)
  }
  const asset = await get('/assets/app-1a2b3c.js')
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
  expect(asset.headers.get('x-content-type-options')).toBe('nosniff')
  expect((await get('/assets/gone.js')).status).toBe(404)
  expect((await get('/../../etc/passwd')).text).not.toContain('root:')
  expect((await get('/%2e%2e/%2e%2e/etc/passwd')).text).not.toContain('root:')
  for (const path of [
    '/admin',
    '/admin/services',
    '/admin/nowhere',
    '/api/nowhere',
    '/api/session',
  ]) {
    expect([path, (await get(path)).status]).toEqual([path, 401])
  }
  expect((await admin.ask('GET', '/admin/services', undefined, { manager: true })).status).toBe(200)
})
