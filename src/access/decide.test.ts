import { expect, test } from 'vitest'
import { names, services, workspaces } from '../../test/harness/arbitrary-rights.ts'
import { parsePermission, buildTestRights } from '../../test/harness/build-test-rights.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import { buildRights } from './build-rights.ts'
import { decide } from './decide.ts'
import { reaches } from './entitlements.ts'
import type { AccessRequest, Rights } from './rights.ts'

const [, a, b] = workspaces
const stored = { id: '', created_at: 0, updated_at: 0, comment: null, role: { id: '' } }

const holder = (home: { id: string; name: string }, ...rules: readonly string[]): Rights =>
  buildTestRights(home, rules)

const ask = (
  workspace: { id: string; name: string },
  path: string,
  action = 'read',
): AccessRequest => ({ workspace, path, action }) as AccessRequest

test.each([
  ['no permission denies', [], '/services', false],
  ['any path', ['+* *'], '/anything/at/all', true],
  ['a star is one segment', ['+* /services/*'], '/services/orders', true],
  ['and not none', ['+* /services/*'], '/services', false],
  ['nor two', ['+* /services/*'], '/services/orders/routes', false],
  ['a path here before a path anywhere', ['+A /services', '-* /services'], '/services', true],
  ['a path anywhere before any path here', ['-* /services', '+A *'], '/services', false],
  ['any path here before any path anywhere', ['-A *', '+* *'], '/services', false],
  ['in one level a denial wins', ['+A /services', '-A /*'], '/services', false],
  ['another action does not match', ['+A /services create'], '/services', false],
  ['another workspace does not match', ['+B /services'], '/services', false],
  ['a trailing slash is ignored', ['+A /services'], '/services/', true],
  ['a doubled slash is ignored', ['-A /services', '+* *'], '//services', false],
  [
    'named by id, asked by key',
    [`-A /services/${services[0].id}`, '+* *'],
    '/services/orders',
    false,
  ],
  [
    'named by key, asked by id',
    ['-A /services/orders', '+* *'],
    `/services/${services[0].id}`,
    false,
  ],
  [
    'ids in capitals',
    ['-A /services/orders', '+* *'],
    `/services/${services[0].id.toUpperCase()}`,
    false,
  ],
  [
    'the namesake elsewhere is another',
    [`-* /services/${services[3].id}`, '+* *'],
    '/services/orders',
    true,
  ],
  ['a route of the same name is another', ['-A /services/orders', '+* *'], '/routes/orders', true],
  [
    'nested, named by key, asked by id',
    ['+A /services/orders/routes'],
    `/services/${services[0].id}/routes`,
    true,
  ],
])('%s', (_, rules, path, allowed) => {
  expect(decide(holder(defaultWorkspace, ...rules), ask(a, path)).allowed).toBe(allowed)
})

test('a role of the default workspace applies in every workspace, any other in its own', () => {
  for (const rule of ['+* *', '+A *']) {
    expect(decide(holder(defaultWorkspace, rule), ask(a, '/services')).allowed).toBe(true)
    expect(decide(holder(a, rule), ask(a, '/services')).allowed).toBe(true)
    expect(decide(holder(b, rule), ask(a, '/services')).allowed).toBe(false)
    expect(decide(holder(a, rule), ask(b, '/services')).allowed).toBe(false)
  }
})

test('an entity permission grants, a negative one denies, and a denial wins everywhere', () => {
  const orders = { type: 'service', id: services[0].id, name: 'orders' }
  const verdict = (
    endpoints: readonly string[],
    ...entities: readonly (readonly [string, boolean])[]
  ) => {
    const held = {
      role: { id: '', name: 'tester' },
      workspace: a,
      endpoints: endpoints.map(parsePermission),
      entities: entities.map(([entity_id, negative]) => ({
        ...stored,
        entity_id,
        entity_type: 'services',
        actions: ['read' as const],
        negative,
      })),
    }
    const rights = buildRights(
      { principal: { id: '', name: 'ann', kind: 'user' }, held: [held], revision: 1 },
      names,
    )
    return decide(rights, { ...ask(a, '/services/orders'), entity: orders }).allowed
  }
  expect(verdict([], [orders.id, false])).toBe(true)
  expect(verdict([], [a.id, false])).toBe(true)
  expect(verdict([], ['*', false])).toBe(true)
  expect(verdict([], [b.id, false])).toBe(false)
  expect(verdict(['+A *'], [orders.id, true])).toBe(false)
  expect(verdict(['+A *'], [a.id, true], [orders.id, false])).toBe(false)
  expect(verdict(['-A /services/*'], [orders.id, false])).toBe(false)
})

test('the reason names the role, the rule and the workspace', () => {
  const rights = holder(a, '+* *', '-A /consumers read')
  expect(decide(rights, ask(a, '/consumers')).because).toBe(
    'Role tester of workspace A forbids read at /consumers in workspace A.',
  )
  expect(decide(rights, ask(a, '/services')).because).toBe(
    'Role tester of workspace A allows create, delete, read, update at * in workspace A.',
  )
  expect(decide(rights, ask(b, '/services')).because).toBe(
    'No role of ann allows read at /services in workspace B.',
  )
})

test('ids in a path match regardless of case', () => {
  const lower = 'abcdef00-0000-4000-8000-000000000001'
  const rights = holder(defaultWorkspace, `-A /consumers/${lower}`, '+* *')
  expect(decide(rights, ask(a, `/consumers/${lower}`)).allowed).toBe(false)
  expect(decide(rights, ask(a, `/consumers/${lower.toUpperCase()}`)).allowed).toBe(false)
})

test('a denial also applies to another workspace that had the same name, a grant does not', () => {
  const deleted = { id: 'deleted', name: 'A' }
  const denied = holder(defaultWorkspace, '-A /services', '+* *')
  expect(decide(denied, ask(deleted, '/services')).allowed).toBe(false)
  expect(decide(denied, ask(b, '/services')).allowed).toBe(true)
  expect(decide(holder(defaultWorkspace, '+A /services'), ask(deleted, '/services')).allowed).toBe(
    false,
  )
})

test('an entity permission of an unknown type covers nothing', () => {
  const rights = (entity_type: string) =>
    buildRights(
      {
        principal: { id: '', name: 'ann', kind: 'user' },
        held: [
          {
            role: { id: 'r', name: 'r' },
            workspace: defaultWorkspace,
            endpoints: [],
            entities: [
              { ...stored, entity_id: '*', entity_type, actions: ['read'], negative: false },
            ],
          },
        ],
        revision: 1,
      },
      names,
    )
  const orders = { type: 'service', id: services[0].id, name: 'orders' }
  const allowed = (type: string): boolean =>
    decide(rights(type), { ...ask(a, '/services/orders'), entity: orders }).allowed
  expect(['wildcard', 'services', 'service', 'routes', 'gizmos'].map(allowed)).toEqual([
    true,
    true,
    true,
    false,
    false,
  ])
})

test('a rule reaches the workspace it was written for, within the reach of its role', () => {
  const reached = (home: { id: string; name: string }, rule: string) =>
    workspaces.map((workspace) => reaches(holder(home, rule), workspace))
  expect(reached(defaultWorkspace, '+B /services')).toEqual([false, false, true])
  expect(reached(defaultWorkspace, '+* /services')).toEqual([true, true, true])
  expect(reached(a, '+* /services')).toEqual([false, true, false])
  expect(reached(a, '+B /services')).toEqual([false, false, false])
})
