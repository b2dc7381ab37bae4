import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { reaches } from '../../src/access/entitlements.ts'
import { startTestAdmin, type Answer } from './admin-harness.ts'
import {
  arbitraryRole,
  fillWorkspace,
  freshWord,
  nameIn,
  probesOf,
  referencesTo,
  thingsFor,
  tokensOf,
  withoutWritten,
  type RandomRole,
  type Thing,
} from './disclosure-world.ts'

const admin = await startTestAdmin()
afterAll(admin.close)
const create = async (path: string, body: unknown): Promise<{ readonly id: string }> => {
  const { status, text, body: made } = await admin.ask('POST', path, body)
  if (status !== 201) throw new Error(`${path}: ${text}`)
  return made as { id: string }
}
await admin.ask('PUT', '/workspaces/ProductX', {})
await admin.ask('PUT', '/workspaces/zq0zq', {})
await fillWorkspace(admin, 'ProductX')
await fillWorkspace(admin, 'zq0zq')
const stranger = freshWord()
await create('/rbac/users', { name: stranger, email: `${freshWord()}@example.com` })
await create(`/zq0zq/rbac/users/${stranger}/roles`, { roles: 'workspace-read-only' })
await create('/groups', { name: freshWord() })
const { id: workspace } = (await admin.ask('GET', '/workspaces/ProductX')).body as { id: string }

const filledAt = Date.now()
let readers = 0

/** A principal of ProductX with a role; returns its id and token. */
async function addReader({ endpoints, denied }: RandomRole, actions: string) {
  const name = `reader-${(readers += 1)}`
  const token = `token-of-${name}-0123456789`
  const { id } = await create('/rbac/users', { name, user_token: token })
  await create('/ProductX/rbac/roles', { name })
  const role = `/ProductX/rbac/roles/${name}`
  for (const endpoint of endpoints) await create(`${role}/endpoints`, { ...endpoint, actions })
  for (const entity of denied) {
    const permission = { entity_id: entity, entity_type: 'wildcard', actions, negative: true }
    await create(`${role}/entities`, permission)
  }
  await create(`/ProductX/rbac/users/${name}/roles`, { roles: name })
  return { id, token, name }
}

/** A reader who sends requests, and records what an answer discloses without permission. */
type Walk = {
  readonly things: readonly Thing[]
  /** Names in the rules of the reader. Such a rule applies whether or not an entity has the name. */
  readonly ruled: ReadonlySet<string>
  readonly told: ReadonlySet<string>
  /** `written` is what the request itself contains. */
  readonly check: (request: Request, written: readonly string[]) => Promise<Answer>
  /** Records a difference from the answer for a missing entity. */
  readonly compare: (request: Request, absent: Request, written: readonly string[]) => Promise<void>
}

type Request = readonly [method: string, path: string, body?: unknown]

function openWalk(
  { id, token }: { readonly id: string; readonly token: string },
  role: RandomRole,
) {
  const things = thingsFor(admin, id)
  const known = new Set(things.flatMap(({ entry, isHidden }) => (isHidden ? [] : tokensOf(entry))))
  // Readers of explanations and of the audit log know who has a role in the workspace and who acted there.
  const present = things.filter(({ entry }) => {
    const rights = admin.configuration.rightsOf(entry.id)
    return rights !== undefined && reaches(rights, { id: workspace, name: 'ProductX' })
  })
  for (const one of present.flatMap(({ entry }) => tokensOf(entry))) known.add(one)
  known.add(workspace)
  const secret = new Set(things.flatMap(({ entry }) => tokensOf(entry)))
  const told = new Set<string>()
  const ask = ([method, path, body]: Request): Promise<Answer> =>
    admin.ask(method, `/ProductX${path}`, body, { token })
  const check: Walk['check'] = async (request, written) => {
    const answer = await ask(request)
    const { status } = answer
    const text = `${answer.text} ${cursorIn(answer)}`
    const isWritten = (one: string): boolean => written.some((word) => word.includes(one))
    for (const one of text.match(/zq\d+zq|[\da-f]{8}-[\da-f-]{27}/g) ?? []) {
      if (secret.has(one) && !known.has(one) && !isWritten(one))
        told.add(`${request[0]} ${request[1]}: ${status} tells ${one}: ${around(text, one)}`)
    }
    return answer
  }
  const walk: Walk = {
    things: things.filter((one) => !present.includes(one)),
    ruled: new Set(role.endpoints.flatMap(({ endpoint }) => endpoint.split('/'))),
    told,
    check,
    async compare(request, absent, written) {
      const [one, other] = await Promise.all([check(request, written), ask(absent)])
      const isSame =
        one.status === other.status &&
        withoutWritten(one.text, written) === withoutWritten(other.text, written)
      if (isSame) return
      const text = `${one.status} ${one.text} but absent ${other.status} ${other.text}`
      told.add(`${JSON.stringify(request)}: ${text}`)
    },
  }
  return walk
}

async function walkPaths({ things, ruled, check, compare }: Walk): Promise<void> {
  for (const { path, written, absent } of probesOf(things)) {
    if (written.some((one) => ruled.has(one))) continue
    if (path === absent) {
      await check(['GET', path], [])
      continue
    }
    for (const method of ['GET', 'PATCH', 'DELETE', 'OPTIONS']) {
      const body = method === 'PATCH' ? {} : undefined
      await compare([method, path, body], [method, absent, body], written)
    }
    const search = new URLSearchParams({ user: 'reader-1', path })
    await check(['GET', `/rbac/explain?${search.toString()}`], written)
  }
}

/** Pages of one entity, whose cursors name the last one, and searches for hidden words. */
async function walkLists({ things, ruled, check, compare }: Walk): Promise<void> {
  const lists = new Set(
    things
      .filter(({ entity, entry }) => entity.inWorkspace && entry.workspace === workspace)
      .map(({ entity }) => `/${entity.plural}`),
  )
  for (const list of lists) {
    for (const query of [
      'size=1',
      'size=1&sort_by=name',
      'size=1&sort_by=created_at&sort_desc=true',
    ]) {
      let offset: unknown = ''
      for (let page = 0; page < 4 && typeof offset === 'string'; page += 1) {
        const at = offset === '' ? '' : `&offset=${encodeURIComponent(offset)}`
        offset = (await check(['GET', `${list}?${query}${at}`], [])).body?.offset
      }
    }
  }
  for (const thing of things) {
    const { entity, entry, isHidden } = thing
    const name = nameIn(thing)
    if (!isHidden || entry.workspace !== workspace || ruled.has(name)) continue
    for (const query of ['search=', 'tags=']) {
      const ask = (word: string): Request => ['GET', `/${entity.plural}?${query}${word}`]
      await compare(ask(name), ask('nothing-like-this'), [name])
    }
  }
}

/** The cursor of the next page as it reads. */
const cursorIn = ({ body }: Answer): string =>
  Buffer.from(String(body?.offset ?? ''), 'base64').toString()

async function walkReferences({ things, ruled, compare }: Walk): Promise<void> {
  for (const thing of things) {
    const { entity, entry, isHidden } = thing
    if (!isHidden || entry.workspace !== workspace || ruled.has(entry.id)) continue
    for (const [by, written, missing] of [
      ['id', entry.id, '00000000-0000-4000-8000-0000000000ff'],
      [entity.key ?? 'id', nameIn(thing), 'nothing-like-this'],
    ] as const) {
      const missed = referencesTo(entity.name, { [by]: missing })
      for (const [at, [path, body]] of referencesTo(entity.name, { [by]: written }).entries()) {
        await compare(['POST', path, body], ['POST', path, missed[at]?.[1]], [written])
      }
    }
  }
}

async function walkHistory({ things, check }: Walk): Promise<void> {
  for (const path of ['/audit', '/audit/requests', '/audit/objects']) {
    await check(['GET', `${path}?size=1000&before=${filledAt}`], [])
  }
  for (const path of ['/config/document?with_id=true', '/config/revisions?size=1000']) {
    await check(['GET', path], [])
  }
  const { revision } = admin.configuration.current()
  for (let number = revision; number > revision - 60; number -= 3) {
    await check(['GET', `/config/revisions/${number}`], [])
    await check(['GET', `/config/revisions/${number}/compare`], [])
  }
  const empty = { _format_version: '3.0' }
  await check(['POST', '/config/diff', empty], [])
  const names = things.filter(({ entity: { name } }) => name === 'service').map(nameIn)
  const services = names.map((name) => ({ name, host: 'h' }))
  await check(['POST', '/config/diff?keep_rest=true', { ...empty, services }], names)
}

const around = (text: string, token: string): string =>
  text.slice(Math.max(0, text.indexOf(token) - 150), text.indexOf(token) + 60)

test('no answer of the Admin API reveals the name, id, host, prefix or existence of an entity that its reader may not read', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryRole(admin, workspace),
      fc.constantFrom('read', '*'),
      async (role, actions) => {
        const walk = openWalk(await addReader(role, actions), role)
        await walkHistory(walk)
        await walkPaths(walk)
        await walkReferences(walk)
        await walkLists(walk)
        expect([...walk.told]).toEqual([])
      },
    ),
    { numRuns: 3, endOnFailure: true },
  )
}, 300_000)

const spellings = (name: string): readonly string[] => [
  name,
  name.replaceAll('-', '%2D'),
  name.replaceAll('-', '%2d'),
  Buffer.from(name).toString('hex').replaceAll(/../g, '%$&'),
  name.replaceAll('-', '%252D'),
  `/${name}/`,
  `%2F${name}`,
  `.%2F${name}`,
  `x%2F..%2F${name}`,
  `${name}%00`,
  `${name}%20`,
  name.toUpperCase(),
]

test('no percent-encoded or doubled spelling of a role bypasses a rule that denies it', async () => {
  await create('/ProductX/rbac/roles', { name: 'very-secret' })
  const reader = await addReader(
    {
      endpoints: [{ endpoint: '*' }, { endpoint: '/rbac/roles/very-secret', negative: true }],
      denied: [],
    },
    '*',
  )
  const { revision } = admin.configuration.current()
  for (const spelling of spellings('very-secret')) {
    for (const rest of ['', '/permissions', '/endpoints', '/entities']) {
      for (const method of ['GET', 'PATCH', 'DELETE', 'POST']) {
        const body = method === 'PATCH' ? { comment: 'mine' } : { endpoint: '/x', actions: 'read' }
        const { status } = await admin.ask(
          method,
          `/ProductX/rbac/roles/${spelling}${rest}`,
          method === 'GET' || method === 'DELETE' ? undefined : body,
          { token: reader.token },
        )
        expect([spelling, rest, method, [204, 400, 403, 404, 405].includes(status)]).toEqual([
          spelling,
          rest,
          method,
          true,
        ])
      }
    }
  }
  // A name of its own, such as one in capitals, may be deleted without an effect.
  expect(admin.configuration.current().revision).toBe(revision)
})

test('a member of a workspace gets no role of another one, in any spelling of its name or path', async () => {
  const { id, token } = await addReader({ endpoints: [{ endpoint: '*' }], denied: [] }, '*')
  const before = admin.configuration.rolesOf(id).map(({ role }) => role.id)
  for (const spelling of spellings('super-admin')) {
    const roles = decodeURIComponent(spelling)
    for (const path of [
      `/ProductX/rbac/users/${id}/roles`,
      `/ProductX/admins/${id}/roles`,
      `/rbac/users/${id}/roles`,
      `/default/rbac/users/${id}/roles`,
      `/zq0zq/rbac/users/${id}/roles`,
      `/ProductX%2F..%2Fdefault/rbac/users/${id}/roles`,
    ]) {
      for (const name of [roles, spelling, `workspace-admin,${roles}`, `default/${roles}`]) {
        const { status } = await admin.ask('POST', path, { roles: name }, { token })
        expect([path, name, [400, 403, 404].includes(status)]).toEqual([path, name, true])
      }
    }
  }
  expect(admin.configuration.rolesOf(id).map(({ role }) => role.id)).toEqual(before)
})
