import fc from 'fast-check'
import { expect, test } from 'vitest'
import { arbitraryRights, services, workspaces } from '../../test/harness/arbitrary-rights.ts'
import { rightsOf } from '../../test/harness/rights-of.ts'
import { explainIdentity } from './explain-identity.ts'
import { explainVisibility } from './explain-visibility.ts'
import { identityRule, rowRule } from './row-rules.ts'
import { decideRow } from './decide-row.ts'
import { maySeeNamed, maySeeWorkspace } from './visible.ts'

const [root, a] = workspaces

test.each([
  [root, ['+* *'], 'all', 'You see every request.'],
  [a, ['+* *'], 'some', 'You see requests of workspace A.'],
  [root, ['+A *', '+B *'], 'some', 'You see requests of workspaces A and B.'],
  [
    a,
    ['+A *', '-A /services/billing'],
    'some',
    'You see requests of workspace A except service billing.',
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
  const visibility = explainVisibility(rightsOf(home, permissions))
  expect(visibility).toMatchObject({ scope, statement, revision: 1 })
  expect(visibility.because.length).toBeGreaterThan(0)
})

test('because names the role and the rule', () => {
  const { because } = explainVisibility(
    rightsOf(a, ['+A * read', '-A /services/billing read', '+A /plugins']),
  )
  expect(because).toEqual([
    'Role tester of workspace A allows read at * in workspace A.',
    'Role tester of workspace A forbids read at /services/billing in workspace A.',
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
        const isSeen = decideRow(rowRule(rights), row)
        const knowsCaller = isSeen && decideRow(identityRule(rights), row)
        expect(scope === 'some' || isSeen === (scope === 'all')).toBe(true)
        expect(!isSeen || maySeeWorkspace(rights, workspace)).toBe(true)
        expect(!knowsCaller || explainIdentity(rights).scope !== 'nothing').toBe(true)
      }
    }),
  )
})

test('who may see what is told without telling whether it is there', () => {
  const rights = rightsOf(a, ['+A *', '-A /services/billing'])
  expect(['A', 'B', 'gone', 'default'].map((name) => maySeeWorkspace(rights, name))).toEqual([
    true,
    false,
    false,
    false,
  ])
  expect(
    ['orders', 'billing', 'gone'].map((name) => maySeeNamed(rights, 'services', name)),
  ).toEqual([true, false, false])
  expect(['list', 'orders'].map((name) => maySeeNamed(rights, 'routes', name))).toEqual([
    true,
    false,
  ])
})

test('callers are explained by the rule that hides them', () => {
  expect(explainIdentity(rightsOf(a, ['+A *', '-A /consumers read']))).toEqual({
    scope: 'nothing',
    workspaces: [],
    because: 'Role tester of workspace A forbids read at /consumers in workspace A.',
  })
  expect(explainIdentity(rightsOf(root, ['+A *', '+B *', '-A /consumers']))).toMatchObject({
    scope: 'some',
    workspaces: ['B'],
  })
  expect(explainIdentity(rightsOf(a, ['+A /services/*'])).because).toBe(
    'No role of ann allows read at /consumers.',
  )
  expect(explainIdentity(rightsOf(root, ['+* *'])).scope).toBe('all')
})
