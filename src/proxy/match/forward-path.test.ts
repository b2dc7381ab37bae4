import fc from 'fast-check'
import { expect, test } from 'vitest'
import { normalizePath } from '../../lib/normalize-path.ts'
import { forwardPath } from './forward-path.ts'

// service path, pattern, request path → forwarded with strip_path, and without
test.each([
  [null, '/', '/', '/', '/'],
  [null, '/', '/b', '/b', '/b'],
  [null, '/a', '/a', '/', '/a'],
  [null, '/a', '/a/', '/', '/a/'],
  [null, '/a', '/a/b', '/b', '/a/b'],
  [null, '/a', '/ab', '/b', '/ab'],
  [null, '/a/', '/a/', '/', '/a/'],
  ['/s', '/', '/', '/s', '/s'],
  ['/s', '/', '/b', '/s/b', '/s/b'],
  ['/s', '/', '/b/', '/s/b/', '/s/b/'],
  ['/s', '/a', '/a', '/s', '/s/a'],
  ['/s', '/a', '/a/', '/s/', '/s/a/'],
  ['/s', '/a', '/a/b', '/s/b', '/s/a/b'],
  ['/s', '/a', '/ab', '/s/b', '/s/ab'],
  ['/s', '/a/', '/a/', '/s/', '/s/a/'],
  ['/s', '/a/', '/a/b', '/s/b', '/s/a/b'],
  ['/s/', '/', '/', '/s/', '/s/'],
  ['/s/', '/a', '/a', '/s', '/s/a'],
  ['/s/', '/a', '/a/', '/s/', '/s/a/'],
  ['/s/', '/a', '/a/b', '/s/b', '/s/a/b'],
  ['/s/', '/a', '/ab', '/s/b', '/s/ab'],
  ['/s/', '/a/', '/a/', '/s/', '/s/a/'],
  ['/s/', '/a/', '/a/b', '/s/b', '/s/a/b'],
  ['/s', '/a', '/a../b', '/s/b', '/s/a../b'],
  ['/s', '/a', '/a..', '/s', '/s/a..'],
  ['/s', '/a', '/a/é b', '/s/%C3%A9%20b', '/s/a/%C3%A9%20b'],
])('service path %s, route %s: %s goes to %s, unstripped to %s', (...row) => {
  const [servicePath, pattern, path, stripped, whole] = row
  const inputs = { path, covered: pattern.length, servicePath }
  expect(forwardPath({ ...inputs, stripPath: true })).toBe(stripped)
  expect(forwardPath({ ...inputs, stripPath: false })).toBe(whole)
})

test('no request path leaves the path of the service', () => {
  const segment = fc.constantFrom('..', '.', 'a', 'a..', '%2e%2e', '%2E', 'b', '')
  fc.assert(
    fc.property(
      fc.array(segment, { minLength: 1, maxLength: 6 }),
      fc.nat(12),
      fc.boolean(),
      (segments, length, stripPath) => {
        const path = normalizePath(`/${segments.join('/')}`)
        const covered = Math.min(length, path.length)
        const asked = forwardPath({ path, covered, stripPath, servicePath: '/s/' })
        expect(`${new URL(asked, 'http://h').pathname}/`).toMatch(/^\/s\//)
      },
    ),
  )
})
