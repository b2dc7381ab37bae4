import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  arbitraryRights,
  consumers,
  pathNames,
  routes,
  services,
  workspaces,
} from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { decideRow } from './decide-row.ts'
import { callerExtent, elsewhere, explainCallers, type CallerRules } from './explain-callers.ts'
import type { Rights } from './rights.ts'
import { callerRule, everyCallerRule, trafficRule } from './row-rules.ts'

const [root, a] = workspaces

const rulesOf = (rights: Rights, callers = callerRule): CallerRules => ({
  rows: trafficRule(rights),
  callers: callers(rights, 'consumers'),
  collection: 'consumers',
  noun: 'callers',
})
const explain = (rights: Rights) => explainCallers(rights, rulesOf(rights))

test.each([
  [root, ['+* *'], 'all', 'Callers are shown.'],
  [a, ['+A *'], 'all', 'Callers are shown.'],
  [a, ['+A /services/*'], 'nothing', 'Callers are masked.'],
  [
    root,
    ['+A *', '+B /services/*'],
    'some',
    'Callers are shown in workspace A; otherwise they are masked.',
  ],
  [
    a,
    ['+A *', '-A /consumers/Bob'],
    'some',
    'Callers are shown in workspace A except some; otherwise they are masked.',
  ],
  [
    root,
    ['+A *', '+B *', '+default *', '-A /consumers/Bob'],
    'some',
    'Callers are shown in workspaces B and default, and in workspace A except some; otherwise they are masked.',
  ],
  [
    a,
    ['+A /services/*', '+A /consumers/ann'],
    'some',
    'Callers are shown in part of workspace A; otherwise they are masked.',
  ],
  [
    root,
    ['+* *', '-A /consumers', '-B /consumers', '-default /consumers'],
    'some',
    'Callers are shown in rows without a workspace; otherwise they are masked.',
  ],
] as const)('callers: %o with %o: %s: %s', (home, permissions, scope, statement) => {
  expect(explain(buildTestRights(home, permissions))).toMatchObject({ scope, statement })
})

test('the reasons are the rules that mask callers, and name none of them', () => {
  const because = (home: typeof root | typeof a, ...permissions: string[]) =>
    explain(buildTestRights(home, permissions)).because
  expect(because(a, '+A *', '-A /consumers read')).toEqual([
    'Role tester of workspace A forbids read at /consumers in workspace A.',
  ])
  expect(because(a, '+A *', '-A /consumers/Bob read')).toEqual([
    'Role tester of workspace A forbids read at /consumers/… in workspace A.',
  ])
  expect(because(root, '+A *', '+B /services/*', '-A /consumers/Bob read')).toEqual([
    'Role tester of workspace default forbids read at /consumers/… in workspace A.',
    'No role of ann allows read at all of /consumers in workspace B.',
  ])
  expect(because(a, '+A *')).toEqual([])
})

/** Every way in which a row can name its caller. A denial at a path covers each caller with that name, also when it is an id. */
const callers = ['', 'gone', ...consumers.map(({ id }) => id)].flatMap((consumer) =>
  ['', 'nobody', ...pathNames].map((consumer_name) => ({ consumer, consumer_name })),
)
const paths = ['', 'gone', ...services.map(({ id }) => id)].flatMap((service) =>
  ['', 'gone', ...routes.map(({ id }) => id)].map((route) => ({
    service,
    service_name: services.find(({ id }) => id === service)?.name ?? '',
    route,
    route_name: routes.find(({ id }) => id === route)?.name ?? '',
  })),
)
const places = [...workspaces, elsewhere].flatMap(({ id, name }) =>
  paths.map((path) => ({ workspace: id, workspace_name: name, ...path })),
)

test('what is said about callers is true of every row for random roles, and names no caller and no workspace that they do not see', () => {
  const check = (rights: Rights, rule: typeof callerRule): void => {
    const rules = rulesOf(rights, rule)
    const extent = callerExtent(rights, rules)
    const { scope, statement, because } = explainCallers(rights, rules)
    const shown = { all: new Set<boolean>(), some: new Set<boolean>(), none: new Set<boolean>() }
    const visibleRows = places.filter((row) => decideRow(rules.rows, row))
    const sorted = Object.values(extent).flatMap((some) => some.map(({ id }) => id))
    expect(new Set(sorted).size).toBe(sorted.length)
    expect(visibleRows.every(({ workspace }) => sorted.includes(workspace))).toBe(true)
    for (const place of visibleRows) {
      const kinds = (['all', 'some', 'none'] as const).filter((kind) =>
        extent[kind].some(({ id }) => id === place.workspace),
      )
      for (const caller of callers)
        for (const kind of kinds) shown[kind].add(decideRow(rules.callers, { ...place, ...caller }))
    }
    expect(shown.all.has(false)).toBe(false)
    expect(shown.none.has(true)).toBe(false)
    expect([0, 2]).toContain(shown.some.size)
    const every = new Set(Object.values(shown).flatMap((one) => [...one]))
    const expected = every.size === 2 ? 'some' : every.has(true) ? 'all' : 'nothing'
    expect(every.size === 0 || scope === expected).toBe(true)
    expect(because.length > 0).toBe(scope !== 'all')
    const text = [statement, ...because].join(' ')
    for (const { id, name } of consumers) {
      expect(text).not.toContain(id)
      expect(text).not.toMatch(new RegExp(`\\b${name}\\b`))
    }
    for (const { name } of workspaces.filter(({ id }) => !sorted.includes(id)))
      expect(statement).not.toMatch(new RegExp(`\\b${name}\\b`))
  }
  fc.assert(
    fc.property(arbitraryRights, (rights) => {
      check(rights, callerRule)
      check(rights, everyCallerRule)
    }),
    { numRuns: 200 },
  )
})

test('tables without callers show the workspaces in which every caller may be known', () => {
  fc.assert(
    fc.property(arbitraryRights, (rights) => {
      const every = everyCallerRule(rights, 'consumers')
      const one = callerRule(rights, 'consumers')
      for (const place of places.filter((row) => decideRow(every, row)))
        expect(callers.every((caller) => decideRow(one, { ...place, ...caller }))).toBe(true)
    }),
    { numRuns: 200 },
  )
})
