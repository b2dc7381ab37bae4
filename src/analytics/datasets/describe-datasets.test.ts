import { expect, test } from 'vitest'
import { workspaces } from '../../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../../test/harness/build-test-rights.ts'
import { builtInTables } from '../../warehouse/tables.ts'
import { describeDatasets } from './describe-datasets.ts'
import { builtInDatasets, readDatasets } from './read-datasets.ts'
import { buildScope } from './scope.ts'

const datasets = readDatasets(builtInDatasets, builtInTables)
const [root, a] = workspaces

const describe = (rights: ReturnType<typeof buildTestRights>) =>
  describeDatasets(datasets, rights, (dataset) => buildScope(rights, dataset))

test('describes each member once, under its kind', () => {
  const described = describe(buildTestRights(root, ['+* *']))
  expect(described.datasets.map(({ name }) => name)).toEqual([...datasets.keys()])
  for (const { name, measures, dimensions, segments } of described.datasets) {
    const kinds = Object.entries({ measure: measures, dimension: dimensions, segment: segments })
    const found = kinds.flatMap(([kind, members]) => members.map((one) => [one.name, kind]))
    const declared = [...(datasets.get(name)?.members.values() ?? [])]
    expect(found).toHaveLength(declared.length)
    expect(Object.fromEntries(found)).toEqual(
      Object.fromEntries(declared.map((one) => [one.name, one.kind])),
    )
    expect([...measures, ...dimensions].filter(({ masked }) => masked)).toEqual([])
  }
  expect(described.visibility.masked).toEqual([])
})

test('a developer sees one dataset, in which columns of callers are masked', () => {
  const { datasets: visible, visibility } = describe(
    buildTestRights(a, ['+A /services/*', '+A /routes/*', '-A /consumers']),
  )
  expect(visible.map(({ name }) => name)).toEqual(['requests'])
  const masked = (visible[0]?.dimensions ?? []).filter((one) => one.masked)
  expect(masked.map(({ name }) => name)).toEqual(visibility.masked.map(({ member }) => member))
  expect(masked.length).toBeGreaterThan(0)
})
