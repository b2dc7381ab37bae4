import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  arbitraryRights,
  routes,
  services,
  workspaces,
} from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { decideRow } from './decide-row.ts'
import * as explain from './explain-visibility.ts'
import type { Rights } from './rights.ts'
import { trafficRule, type RowPolicy } from './row-rules.ts'
import { isEntityVisible, isWorkspaceVisible } from './visible.ts'

const traffic: RowPolicy = { rule: 'service_or_route' }
const audit: RowPolicy = { rule: 'collection', collection: 'audit', hasWorkspace: true }
const explainVisibility = (rights: Rights) =>
  explain.explainVisibility(rights, traffic, { one: 'request', many: 'requests' })
const explainAudit = (rights: Rights, policy = audit) =>
  explain.explainVisibility(rights, policy, { one: 'audit record', many: 'audit records' })

const [root, a] = workspaces

test.each([
  [root, ['+* *'], 'all', 'You see every request.'],
  [a, ['+* *'], 'some', 'You see requests of workspace A.'],
  [root, ['+A *', '+B *'], 'some', 'You see requests of workspaces A and B.'],
  [
    a,
    ['+A *', '-A /services/billing'],
    'some',
    'You see requests of workspace A except some services.',
  ],
  [
    root,
    ['+A /services/orders', '+B *'],
    'some',
    'You see requests of workspace B, and of service orders in workspace A.',
  ],
  [
    a,
    ['+A /services/orders', '+A /services/billing'],
    'some',
    'You see requests of services billing and orders in workspace A.',
  ],
  [a, ['+A /routes/alone'], 'some', 'You see requests of route alone in workspace A.'],
  [a, ['+A /services'], 'some', 'You see requests of a part of workspace A.'],
  [
    a,
    ['+A /consumers'],
    'nothing',
    'You see no requests: none of your roles lets you read services or routes.',
  ],
  [a, [], 'nothing', 'You see no requests: none of your roles lets you read services or routes.'],
] as const)('%o with %o sees %s: %s', (home, permissions, scope, statement) => {
  const visibility = explainVisibility(buildTestRights(home, permissions))
  expect(visibility).toMatchObject({ scope, statement, revision: 1 })
  expect(visibility.because.length).toBeGreaterThan(0)
})

test.each([
  [5, 'services s1, s2, s3, s4 and s5'],
  [6, 'services s1, s2, s3, s4, s5 and 1 more'],
  [8, 'services s1, s2, s3, s4, s5 and 3 more'],
])('names at most five of %d services', (count, words) => {
  const listed = Array.from({ length: count }, (_, index) => `s${index + 1}`)
  const permissions = listed.map((name) => `+A /services/${name}`)
  const known = listed.map((name) => ({ id: name, name, workspace: a.id }))
  const many = buildTestRights(a, permissions, { workspaces, services: known, routes })
  expect(explainVisibility(many).statement).toContain(
    `You see requests of ${words} in workspace A.`,
  )
})

test('the reasons name the role and the rule', () => {
  const { because } = explainVisibility(
    buildTestRights(a, ['+A * read', '-A /services/billing read', '+A /plugins']),
  )
  expect(because).toEqual([
    'Role tester of workspace A allows read at * in workspace A.',
    'Role tester of workspace A forbids read at /services/… in workspace A.',
  ])
})

test('the scope is all or nothing only when it is so for every row', () => {
  fc.assert(
    fc.property(arbitraryRights, (rights) => {
      const { scope } = explainVisibility(rights)
      for (const { id, workspace } of services) {
        const place = workspaces.find((one) => one.id === workspace)
        const row = {
          workspace,
          workspace_name: place?.name ?? '',
          service: id,
          service_name: '',
          route: '',
          route_name: '',
        }
        const isSeen = decideRow(trafficRule(rights), row)
        expect(scope === 'some' || isSeen === (scope === 'all')).toBe(true)
        expect(!isSeen || isWorkspaceVisible(rights, trafficRule(rights), workspace)).toBe(true)
      }
    }),
  )
})

test('visibility of a name does not reveal whether it exists', () => {
  const rights = buildTestRights(a, ['+A *', '-A /services/billing'])
  expect(
    ['A', 'B', 'gone', 'default'].map((name) =>
      isWorkspaceVisible(rights, trafficRule(rights), name),
    ),
  ).toEqual([true, false, false, false])
  expect(
    ['orders', 'billing', 'gone'].map((name) =>
      isEntityVisible(rights, trafficRule(rights), 'services', name),
    ),
  ).toEqual([true, false, false])
  expect(
    ['list', 'orders'].map((name) => isEntityVisible(rights, trafficRule(rights), 'routes', name)),
  ).toEqual([true, false])
})

test.each([
  [root, ['+* *'], 'all', 'You see every audit record.'],
  [root, ['+A /audit', '+B /audit'], 'some', 'You see audit records of workspaces A and B.'],
  [a, ['+A *'], 'some', 'You see audit records of workspace A.'],
  [
    a,
    ['+A *', '-A /audit'],
    'nothing',
    'You see no audit records: none of your roles lets you read /audit.',
  ],
  [
    a,
    ['+A /services'],
    'nothing',
    'You see no audit records: none of your roles lets you read /audit.',
  ],
] as const)('audit records: %o with %o sees %s: %s', (home, permissions, scope, statement) => {
  expect(explainAudit(buildTestRights(home, permissions))).toMatchObject({ scope, statement })
})

test('a collection is explained by the rules about it, or by their absence', () => {
  const because = (...permissions: string[]) =>
    explainAudit(buildTestRights(a, permissions)).because
  expect(because('+A /audit read', '+A /services read', '-A * update')).toEqual([
    'Role tester of workspace A allows read at /audit in workspace A.',
  ])
  expect(because('+A /services')).toEqual(['No role of ann allows read at /audit.'])
})

test('rows without a workspace are visible only with a permission in every workspace', () => {
  const policy: RowPolicy = { rule: 'collection', collection: 'nodes', hasWorkspace: false }
  const scope = (...permissions: string[]) =>
    explainAudit(buildTestRights(root, permissions), policy).scope
  expect(scope('+* /nodes')).toBe('all')
  expect(scope('+A /nodes')).toBe('nothing')
  expect(scope('+* *', '-* /nodes')).toBe('nothing')
  expect(scope('+* *', '-A /nodes')).toBe('all')
})

test('a permission that a role cannot exercise is no explanation', () => {
  expect(explainVisibility(buildTestRights(a, ['+B *'])).because).toEqual([
    'No role of ann allows read at /services or /routes.',
  ])
})
