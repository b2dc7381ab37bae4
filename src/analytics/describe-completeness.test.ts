import { expect, test } from 'vitest'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import { describeCompleteness, type NodeWatermark } from './describe-completeness.ts'

const reader = buildTestRights(defaultWorkspace, ['+default *'])
const tenant = buildTestRights({ id: 'w', name: 'w' }, ['+w *'])

const at = (time: number): string => new Date(time).toISOString()
const known = (node: string, fields: Partial<NodeWatermark> = {}): NodeWatermark => ({
  node,
  until: 1_000,
  lastHeard: 2_000,
  isMissing: false,
  ...fields,
})

test('is complete up to the earliest time of the nodes with heartbeats', () => {
  const nodes = [known('a', { until: 900 }), known('b'), known('c', { until: 5, isMissing: true })]
  const { until, missing } = describeCompleteness(nodes, reader)
  expect([until, missing]).toEqual([at(900), [{ node: 'c', lastHeard: at(2_000), until: at(5) }]])
})

test('names nodes only to those who may read the status', () => {
  const nodes = [known('a'), known('c', { isMissing: true })]
  expect(describeCompleteness(nodes, reader).nodes.map(({ node }) => node)).toEqual(['a', 'c'])
  expect(describeCompleteness(nodes, tenant)).toEqual({
    until: at(1_000),
    missing: [{ node: null, lastHeard: at(2_000), until: at(1_000) }],
    nodes: [],
  })
})

test('is unknown without nodes, and until every node has reported', () => {
  expect(describeCompleteness([], reader).until).toBeNull()
  expect(describeCompleteness([known('a'), known('b', { until: undefined })], reader).until).toBe(
    null,
  )
})
