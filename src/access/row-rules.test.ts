import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@clickhouse/client'
import { createChdbConnection } from 'chdb/connection'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  arbitraryEndpoint,
  arbitraryEntity,
  arbitraryRights,
  arbitraryRow,
  arbitrarySource,
  consumers,
  names,
  routes,
  services,
  workspaces,
} from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { buildRights } from './build-rights.ts'
import { decide, verdictOn } from './decide.ts'
import { decideRow, type RuledRow } from './decide-row.ts'
import type { AccessRequest, Rights } from './rights.ts'
import { callerRule, collectionRule, trafficRule } from './row-rules.ts'
import {
  allOf,
  anyOf,
  assume,
  choose,
  not,
  oneOf,
  type RowRule,
  type RuleColumn,
} from './row-rule.ts'
import { toPredicate } from './to-predicate.ts'

const nowhere = { id: '', name: '' }
const deleted = { id: 'deleted', name: 'gone' }
const emptyRow = {
  workspace: '',
  workspace_name: '',
  service: '',
  service_name: '',
  route: '',
  route_name: '',
  consumer: '',
  consumer_name: '',
}

const read = (
  workspace: { id: string; name: string },
  path: string,
  entity?: AccessRequest['entity'],
): AccessRequest =>
  entity === undefined
    ? { workspace, path, action: 'read' }
    : { workspace, path, action: 'read', entity }

const asksFor = (
  kind: 'service' | 'route',
  { id, name, workspace }: { id: string; name: string | null; workspace: string },
) => {
  const place = workspaces.find((one) => one.id === workspace) ?? nowhere
  return [id, ...(name === null ? [] : [name])].map((key) =>
    read(place, `/${kind}s/${key}`, { type: kind, id, name }),
  )
}

const rowOf = (workspaceId: string, rest: Partial<typeof emptyRow>) => ({
  ...emptyRow,
  workspace: workspaceId,
  workspace_name: [...workspaces, deleted].find((one) => one.id === workspaceId)?.name ?? '',
  ...rest,
})

test('a caller forbidden by name, id or entity permission is hidden, and any other is known exactly when readable', () => {
  fc.assert(
    fc.property(arbitraryRights, (rights) => {
      for (const { id, name, workspace } of consumers) {
        const place = workspaces.find((one) => one.id === workspace) ?? nowhere
        const row = rowOf(workspace, { consumer: id, consumer_name: name })
        const list = verdictOn(rights, read(place, '/consumers')).says
        const items = [id, name].map((key) =>
          verdictOn(rights, read(place, `/consumers/${key}`, { type: 'consumers', id, name })),
        )
        const isKnown = list !== 'deny' && items.every(({ says }) => says === 'allow')
        expect(decideRow(callerRule(rights, 'consumers'), row)).toBe(isKnown)
      }
    }),
    { numRuns: 300 },
  )
})

test('rows are visible exactly when their service is readable, by id and by name', () => {
  fc.assert(
    fc.property(arbitraryRights, (rights) => {
      const rule = trafficRule(rights)
      for (const service of services) {
        const row = rowOf(service.workspace, {
          service: service.id,
          service_name: service.name ?? '',
        })
        for (const ask of asksFor('service', service))
          expect(decideRow(rule, row)).toBe(decide(rights, ask).allowed)
      }
    }),
    { numRuns: 500 },
  )
})

test('the route decides when no rule applies to the service, and the collection when there is neither', () => {
  fc.assert(
    fc.property(arbitraryRights, (rights) => {
      const rule = trafficRule(rights)
      for (const route of routes) {
        const service = services.find(({ id }) => id === route.service?.id)
        const row = rowOf(route.workspace, {
          route: route.id,
          route_name: route.name,
          service: service?.id ?? '',
          service_name: service?.name ?? '',
        })
        const [ofRoute] = asksFor('route', route)
        const [ofService] = service === undefined ? [] : asksFor('service', service)
        const verdict = ofService === undefined ? 'nothing' : verdictOn(rights, ofService).says
        const expected =
          verdict === 'nothing'
            ? decide(rights, ofRoute as AccessRequest).allowed
            : verdict === 'allow'
        expect(decideRow(rule, row)).toBe(expected)
      }
      for (const workspace of [...workspaces, nowhere, deleted])
        expect(decideRow(rule, rowOf(workspace.id, {}))).toBe(
          decide(rights, read(workspace, '/services')).allowed,
        )
    }),
    { numRuns: 500 },
  )
})

test('callers are visible exactly where consumers are readable', () => {
  fc.assert(
    fc.property(arbitraryRights, (rights) => {
      for (const workspace of [...workspaces, nowhere, deleted])
        expect(decideRow(collectionRule(rights, 'consumers'), rowOf(workspace.id, {}))).toBe(
          decide(rights, read(workspace, '/consumers')).allowed,
        )
    }),
    { numRuns: 500 },
  )
})

test('adding a denial never shows a row, adding a grant never hides one, and without roles nothing is visible', () => {
  const rules = (rights: Rights): readonly RowRule[] => [
    trafficRule(rights),
    collectionRule(rights, 'consumers'),
  ]
  fc.assert(
    fc.property(
      arbitrarySource,
      fc.constantFrom(...workspaces),
      fc.oneof(arbitraryEndpoint, arbitraryEntity),
      fc.array(arbitraryRow, { minLength: 10, maxLength: 30 }),
      (source, workspace, permission, rows) => {
        const more = buildRights(
          {
            ...source,
            held: [
              ...source.held,
              {
                role: { id: '', name: 'more' },
                workspace,
                endpoints: 'endpoint' in permission ? [permission] : [],
                entities: 'entity_id' in permission ? [permission] : [],
              },
            ],
          },
          names,
        )
        const before = rules(buildRights(source, names))
        rules(more).forEach((after, at) => {
          for (const row of rows) {
            const [was, is] = [decideRow(before[at] as RowRule, row), decideRow(after, row)]
            expect(permission.negative ? was || !is : !was || is).toBe(true)
          }
        })
        expect(trafficRule(buildRights({ ...source, held: [] }, names))).toEqual({ is: 'false' })
      },
    ),
    { numRuns: 500 },
  )
})

test('a denial by name also hides rows recorded under that name, a grant by name does not show them', () => {
  const [, place] = workspaces
  const gone = rowOf(place.id, { service: 'deleted', service_name: 'orders' })
  const other = rowOf(place.id, { service: 'deleted', service_name: 'other' })
  const denied = trafficRule(buildTestRights(place, ['+A *', '-A /services/orders']))
  expect([gone, other].map((row) => decideRow(denied, row))).toEqual([false, true])
  const allowed = trafficRule(buildTestRights(place, ['+A /services/orders']))
  expect(decideRow(allowed, gone)).toBe(false)
})

const columns: readonly RuleColumn[] = [
  'workspace',
  'workspace_name',
  'service',
  'service_name',
  'route',
  'route_name',
  'consumer',
  'consumer_name',
]
const value = fc.constantFrom('', 'a', `it's`, '\\', '{row0:String}', 'ü', 'NULL')
const nullableRow = fc.record(
  Object.fromEntries(columns.map((column) => [column, fc.option(value)])),
) as fc.Arbitrary<RuledRow>

const { rule: arbitraryRule } = fc.letrec<{ rule: RowRule }>((tie) => ({
  rule: fc.oneof(
    { maxDepth: 4 },
    fc
      .tuple(fc.constantFrom(...columns), fc.array(value, { maxLength: 3 }))
      .map(([column, values]) => oneOf(column, values)),
    fc.constantFrom<RowRule>({ is: 'true' }, { is: 'false' }),
    fc
      .array(tie('rule'), { maxLength: 3 })
      .map((of): RowRule => ({ is: 'and', of: [...of, { is: 'true' }] })),
    fc
      .array(tie('rule'), { maxLength: 3 })
      .map((of): RowRule => ({ is: 'or', of: [...of, { is: 'false' }] })),
    tie('rule').map((of): RowRule => ({ is: 'not', of })),
  ),
}))

test('the constructors simplify rules without changing their meaning', () => {
  const whole = fc.record(
    Object.fromEntries(columns.map((column) => [column, value])),
  ) as fc.Arbitrary<Record<RuleColumn, string>>
  fc.assert(
    fc.property(arbitraryRule, arbitraryRule, arbitraryRule, whole, (one, two, three, row) => {
      const [p, q, r] = [one, two, three].map((rule) => decideRow(rule, row)) as [
        boolean,
        boolean,
        boolean,
      ]
      expect(decideRow(allOf(one, two, three), row)).toBe(p && q && r)
      expect(decideRow(anyOf(one, two, three), row)).toBe(p || q || r)
      expect(decideRow(not(one), row)).toBe(!p)
      expect(decideRow(choose(one, two, three), row)).toBe(p ? q : r)
      expect(decideRow(assume(one, row), {})).toBe(p)
      expect(decideRow(assume(one, { workspace: row.workspace }), row)).toBe(p)
    }),
    { numRuns: 500 },
  )
})

const path = mkdtempSync(join(tmpdir(), 'weir-access-'))
const client = createClient({ connection: createChdbConnection({ path }) as never })
afterAll(async () => {
  await client.close()
  rmSync(path, { recursive: true })
})

const tables = { nullable: 'Nullable(String)', plain: 'LowCardinality(String)' } as const
beforeAll(async () => {
  for (const [table, type] of Object.entries(tables)) {
    const definitions = columns.map((column) => `${column} ${type}`).join(', ')
    await client.command({
      query: `CREATE TABLE ${table} (run UInt32, n UInt32, ${definitions}) ENGINE = MergeTree ORDER BY (run, n)`,
    })
  }
})

/** Rows that the engine selects. Checks that NOT of the predicate selects all others: it is never NULL. */
async function visibleIn(table: keyof typeof tables, rule: RowRule, rows: readonly RuledRow[]) {
  await client.command({ query: `TRUNCATE TABLE ${table}` })
  await client.insert({
    table,
    format: 'JSONEachRow',
    values: rows.map((row, n) => ({ n, ...row })),
  })
  const { sql, params } = toPredicate(rule)
  const query = `SELECT n, isNull(${sql}) AS unknown FROM ${table} WHERE ${sql} OR unknown ORDER BY n`
  const result = await client.query({ query, query_params: params, format: 'JSONEachRow' })
  const found = await result.json<{ n: number; unknown: number }>()
  expect(found.every(({ unknown }) => unknown === 0)).toBe(true)
  return found.map(({ n }) => n)
}

const visible = (rule: RowRule, rows: readonly RuledRow[]): readonly number[] =>
  rows.flatMap((row, n) => (decideRow(rule, row) ? [n] : []))

test('the engine selects the rows that decideRow accepts, including rows with missing attributes', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryRule,
      fc.array(nullableRow, { minLength: 20, maxLength: 40 }),
      async (rule, rows) => {
        expect(await visibleIn('nullable', rule, rows)).toEqual(visible(rule, rows))
      },
    ),
    { numRuns: 100 },
  )
}, 180_000)

test('the engine selects the rows that the rights make visible', async () => {
  await fc.assert(
    fc.asyncProperty(
      arbitraryRights,
      fc.array(arbitraryRow, { minLength: 20, maxLength: 40 }),
      async (rights, rows) => {
        for (const rule of [
          trafficRule(rights),
          collectionRule(rights, 'consumers'),
          callerRule(rights, 'consumers'),
        ])
          expect(await visibleIn('plain', rule, rows)).toEqual(visible(rule, rows))
      },
    ),
    { numRuns: 60 },
  )
}, 180_000)
