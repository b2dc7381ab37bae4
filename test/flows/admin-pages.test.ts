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

test.each(['admin', 'manager'])(
  'the %s server prefers a word of a path to a parameter, however the path is written',
  async (server) => {
    const { ask } = await openTestAdmin()
    const manager = server === 'manager'
    const get = (path: string) => {
      const url = manager ? `/admin${path}` : path
      return ask('GET', url, undefined, { manager })
    }
    for (const name of ['userinfo', 'openapi.json', 'config', 'services'])
      await ask('POST', '/services', { name, host: 'h' })
    for (const path of ['/services/userinfo', '/services/openapi.json', '/services/config'])
      expect([path, (await get(path)).body.name]).toEqual([path, path.split('/')[2]])
    for (const path of [
      '//services//services/',
      '/%73ervices/%73ervices',
      '/services/services?a=b',
    ])
      expect([path, (await get(path)).body.name]).toEqual([path, 'services'])
    for (const path of ['/userinfo', '/default/userinfo', '/default/openapi.json', '/', '/default'])
      expect([path, (await get(path)).status]).toEqual([path, 200])
    for (const [path, status] of [
      ['/services/userinfo/nowhere', 404],
      [`/services/${'x'.repeat(4_097)}`, 400],
      ['/services/%zz', 400],
    ] as const)
      expect([path, (await get(path)).status]).toEqual([path, status])
  },
)
