import fc from 'fast-check'
import { expect, test } from 'vitest'
import { maxCompared } from '../../src/admin/entities/page.ts'
import type { Operation } from '../../src/entities/operation.ts'
import { systemPrincipal } from '../../src/control/permit.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { openTestAdmin, type TestAdmin } from './admin-harness.ts'

const workspace = defaultWorkspace.id

type Route = {
  readonly id: string
  readonly name: string | null
  readonly created_at: number
  readonly updated_at: number
  readonly paths: readonly string[] | null
  readonly hosts: readonly string[] | null
  readonly tags: readonly string[] | null
  readonly service: { readonly id: string } | null
}

type Query = Readonly<Record<string, string>>

const queries = fc.record(
  {
    search: fc.constantFrom('a', 'B-', 'alpha', 'beta 1', '/p/1', '.TEST', 'red', 'nothing', ' '),
    sort_by: fc.constantFrom('name', 'created_at', 'updated_at'),
    sort_desc: fc.constantFrom('true', 'false', '1', '0'),
    tags: fc.constantFrom('red', 'red,blue', 'red/blue'),
  },
  { requiredKeys: [] },
)

const lists = fc.constantFrom('/routes', '/services/one/routes')

test('pages of a search in any order are the filtered and sorted list', async () => {
  const admin = await openFilled()
  await fc.assert(
    fc.asyncProperty(lists, queries, fc.integer({ min: 1, max: 30 }), async (path, query, size) => {
      const everything = await readAll(admin, path, {}, 1000)
      const expected = everything
        .filter((one) => isFound(one, query, path))
        .toSorted(inOrder(query))
      const found = await readAll(admin, path, query, size)
      expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
    }),
    { numRuns: 100 },
  )
})

test('unchanged rows are on exactly one page, in order, while others change', async () => {
  const admin = await openFilled()
  let made = 0
  await fc.assert(
    fc.asyncProperty(lists, queries, fc.integer({ min: 1, max: 9 }), async (path, query, size) => {
      const before = await readAll(admin, path, {}, 1000)
      const found = await readAll(admin, path, query, size, async () => {
        const present = await readAll(admin, '/routes', {}, 1000)
        const at = (made * 7) % present.length
        made += 1
        await change(admin, [
          route(1000 + made),
          { kind: 'delete', entity: 'route', workspace, at: present[at]?.id ?? '' },
          {
            kind: 'update',
            entity: 'route',
            workspace,
            at: present[(at + 3) % present.length]?.id ?? '',
            body: { name: `Alpha-renamed-${made}`, tags: null },
          },
        ])
      })
      const after = new Map((await readAll(admin, path, {}, 1000)).map((one) => [one.id, one]))
      const stayed = before.filter(
        (one) => JSON.stringify(after.get(one.id)) === JSON.stringify(one),
      )
      const ids = new Set(stayed.map(({ id }) => id))
      const expected = stayed.filter((one) => isFound(one, query, path)).toSorted(inOrder(query))
      expect(found.filter(({ id }) => ids.has(id)).map(({ id }) => id)).toEqual(
        expected.map(({ id }) => id),
      )
    }),
    { numRuns: 20 },
  )
})

test('a search finds only readable entries, and its pages end like those of a shorter list', async () => {
  const admin = await openFilled()
  const { body: role } = await admin.ask('POST', '/rbac/roles', { name: 'three' })
  for (const number of [3, 14, 15]) {
    await admin.ask('POST', `/rbac/roles/${role.id}/endpoints`, {
      endpoint: `/routes/${nameOf(number)}`,
      actions: 'read',
    })
  }
  const { body: user } = await admin.ask('POST', '/rbac/users', {
    name: 'reader',
    user_token: 'token-of-a-reader',
  })
  await admin.ask('POST', `/rbac/users/${user.id}/roles`, { roles: 'three' })
  const own = new Set([3, 14, 15].map(nameOf))
  await fc.assert(
    fc.asyncProperty(queries, fc.integer({ min: 1, max: 4 }), async (query, size) => {
      const all = await readAll(admin, '/routes', query, 1000)
      const seen = await readAll(admin, '/routes', query, size, undefined, 'token-of-a-reader')
      expect(seen).toEqual(all.filter(({ name }) => own.has(name ?? '')))
      const pages = Math.max(1, Math.ceil(seen.length / size))
      expect(pagesRead).toBe(pages)
    }),
    { numRuns: 40 },
  )
})

test('an answer names the fields by which a list can be sorted when another one is given', async () => {
  const admin = await openTestAdmin()
  const options = { sort_by: 'expected one of: name, created_at, updated_at' }
  expect(await admin.ask('GET', '/routes?sort_by=paths')).toMatchObject({
    status: 400,
    body: { name: 'invalid options', options },
  })
  expect((await admin.ask('GET', '/consumers?sort_by=key')).body.options.sort_by).toBe(
    'expected one of: username, created_at, updated_at',
  )
  expect((await admin.ask('GET', '/routes?sort_by=name&sort_desc=down')).status).toBe(400)
  expect((await admin.ask('GET', `/routes?search=${'x'.repeat(257)}`)).status).toBe(400)
  const sorted = await admin.ask('GET', `/routes?sort_by=name&offset=${offset('["name",1]')}`)
  expect(sorted.body.name).toBe('invalid offset')
  const { body: document } = await admin.ask('GET', '/openapi.json')
  const { parameters } = document.paths['/routes'].get
  expect(parameters.map(({ name }: { name: string }) => name)).toEqual([
    'size',
    'offset',
    'tags',
    'search',
    'sort_by',
    'sort_desc',
  ])
})

test('unknown parameters are ignored', async () => {
  const admin = await openFilled()
  const plain = await admin.ask('GET', '/routes?size=5')
  const unknown = await admin.ask('GET', '/routes?size=5&name=nothing&sort_desc=down&order=x')
  expect(unknown.body).toEqual(plain.body)
})

test('no secret is found by a search', async () => {
  const admin = await openTestAdmin()
  await admin.ask('POST', '/consumers', { username: 'c' })
  await admin.ask('POST', '/consumers/c/key-auth', { key: 'hidden-key', tags: ['shown'] })
  expect((await admin.ask('GET', '/key-auths?search=shown')).body.data).toHaveLength(1)
  expect((await admin.ask('GET', '/key-auths?search=hidden')).body.data).toEqual([])
})

test(
  'a search in many entities stops at its limit, and the next pages continue',
  { timeout: 60_000 },
  async () => {
    const admin = await openTestAdmin()
    const count = maxCompared + 500
    await change(
      admin,
      Array.from({ length: count }, (_, number) => ({
        kind: 'create',
        entity: 'consumer',
        workspace,
        body: { username: `consumer-${number}` },
      })),
    )
    const first = await admin.ask(
      'GET',
      `/consumers?search=consumer-${count - 1}&sort_by=created_at`,
    )
    expect(first.body.next).not.toBeNull()
    const found = await readAll(admin, '/consumers', { search: `consumer-${count - 1}` }, 100)
    expect(found).toHaveLength(1)
    expect(pagesRead).toBe(2)
  },
)

let pagesRead = 0

async function readAll(
  admin: TestAdmin,
  path: string,
  query: Query,
  size: number,
  between?: () => Promise<void>,
  token?: string,
): Promise<Route[]> {
  const rows: Route[] = []
  const first = new URLSearchParams({ ...query, size: String(size) })
  let next: string | null = `${path}?${first.toString()}`
  let pages = 0
  while (next !== null) {
    const { status, body, text } = await admin.ask('GET', next, undefined, { token })
    expect([status, text]).toEqual([200, text])
    rows.push(...body.data)
    // Kong drops the size of nested lists.
    next =
      body.next === null || !path.startsWith('/services') ? body.next : `${body.next}&size=${size}`
    pages += 1
    await between?.()
  }
  pagesRead = pages
  return rows
}

function isFound(route: Route, { search = '', tags }: Query, path: string): boolean {
  const own = route.tags ?? []
  const texts = [
    route.id,
    route.name ?? '',
    'GET',
    ...own,
    ...(route.paths ?? []),
    ...(route.hosts ?? []),
  ]
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const isMatch = words.every((word) => texts.some((text) => text.toLowerCase().includes(word)))
  if (tags === undefined || path !== '/routes') return isMatch
  const wanted = tags.split(/[,/]/)
  const hasTag = (tag: string): boolean => own.includes(tag)
  return isMatch && (tags.includes('/') ? wanted.some(hasTag) : wanted.every(hasTag))
}

function inOrder({ sort_by: by, sort_desc: descending = 'false' }: Query) {
  const value = (route: Route): string | number =>
    by === 'name'
      ? (route.name ?? '').toLowerCase()
      : by === 'created_at' || by === 'updated_at'
        ? route[by]
        : ''
  const sign = by !== undefined && ['true', '1'].includes(descending) ? -1 : 1
  return (a: Route, b: Route): number => {
    const [one, other] = [value(a), value(b)]
    if (one !== other) return one < other ? -sign : sign
    return a.id < b.id ? -sign : sign
  }
}

async function openFilled(): Promise<TestAdmin> {
  const clock = { seconds: 1_700_000_000 }
  const admin = await openTestAdmin({ clock: { now: () => clock.seconds * 1000 } })
  await admin.ask('POST', '/services', { name: 'one', host: 'h' })
  for (const start of [0, 20, 40]) {
    clock.seconds += 100
    await change(
      admin,
      Array.from({ length: 20 }, (_, index) => route(start + index)),
    )
  }
  clock.seconds += 100
  await change(
    admin,
    [2, 9, 33].map((number) => ({
      kind: 'update',
      entity: 'route',
      workspace,
      at: nameOf(number),
      body: { hosts: ['changed.test'] },
    })),
  )
  return admin
}

const nameOf = (number: number): string =>
  `${['Alpha', 'beta', 'alpha-b', 'Gamma'][number % 4] ?? ''}-${number}`

const route = (number: number): Operation => ({
  kind: 'create',
  entity: 'route',
  workspace,
  body: {
    ...(number % 10 === 8 ? {} : { name: nameOf(number) }),
    paths: [`/p/${number}`],
    ...(number % 3 === 0 ? { hosts: [`H${number}.test`] } : {}),
    ...(number % 2 === 0 ? { service: { name: 'one' } } : {}),
    tags: ['red', 'blue'].filter((_, index) => number % (index + 2) === 0),
  },
})

const offset = (text: string): string => Buffer.from(text).toString('base64url')

const change = ({ configuration }: TestAdmin, operations: readonly Operation[]) =>
  configuration.change({
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/', action: 'update' } },
    origin: { requestId: '', address: '', method: '', path: '' },
    status: 200,
    operations,
  })
