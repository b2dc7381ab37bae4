import { expect, test } from 'vitest'
import { workspaces } from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { decideRow } from './decide-row.ts'
import { allOf, not, oneOf } from './row-rule.ts'
import { collectionRule, rowRule, trafficRule } from './row-rules.ts'
import { toPredicate } from './to-predicate.ts'

const [root, a] = workspaces

test('values are parameters and columns have the names of the table', () => {
  const rule = allOf(oneOf('workspace', [`it's`]), not(oneOf('service_name', ['a', 'b'])))
  const names = { workspace: 'tenant', service_name: 'product' }
  expect(toPredicate(rule, 'x', names)).toEqual({
    sql: 'isNotNull(product) AND isNotNull(tenant) AND (tenant = {x0:String} AND NOT (product IN {x1:Array(String)}))',
    params: { x0: `it's`, x1: ['a', 'b'] },
  })
})

test('a rule that reads an attribute without a column selects no row', () => {
  const rule = not(oneOf('route', ['x']))
  expect(toPredicate(rule, 'row', { workspace: 'workspace' })).toEqual({ sql: '0', params: {} })
  expect(decideRow(rule, { workspace: 'w' })).toBe(false)
  expect(toPredicate({ is: 'true' }, 'row', {})).toEqual({ sql: '1', params: {} })
})

test('a denial covers rows recorded under the name that it was written with', () => {
  const rights = buildTestRights(root, ['+* *', '-A /consumers', '-gone /consumers'])
  const rule = collectionRule(rights, 'consumers')
  const seen = (workspace: string, workspace_name: string): boolean =>
    decideRow(rule, { workspace, workspace_name })
  expect(seen(a.id, 'renamed')).toBe(false)
  expect(seen('deleted', 'A')).toBe(false)
  expect(seen('deleted', 'gone')).toBe(false)
  expect(seen('deleted', 'other')).toBe(true)
})

test('a row policy selects its rule', () => {
  const rights = buildTestRights(a, ['+A *', '-A /audit'])
  expect(rowRule(rights, { rule: 'service_or_route' })).toEqual(trafficRule(rights))
  const collection = (name: string, hasWorkspace: boolean) =>
    rowRule(rights, { rule: 'collection', collection: name, hasWorkspace })
  expect(collection('audit', true)).toEqual({ is: 'false' })
  expect(collection('nodes', true)).toEqual(collectionRule(rights, 'nodes'))
  expect(collection('nodes', false)).toEqual({ is: 'false' })
})
