import { explainVisibility } from '../../access/explain-visibility.ts'
import type { Rights } from '../../access/rights.ts'
import type { DatasetMeta, MemberMeta, Meta } from '../../schema/answer.ts'
import type { Dataset, Datasets, Member } from './dataset.ts'
import { isMasked, type Scope } from './scope.ts'

/** The datasets of which a principal sees any row. */
export const visibleDatasets = (
  datasets: Datasets,
  scopeOf: (dataset: Dataset) => Scope,
): readonly Dataset[] =>
  [...datasets.values()].filter((dataset) => scopeOf(dataset).visibility.scope !== 'nothing')

/** The datasets and members that a principal can query, and their visibility of the gateway's traffic. */
export function describeDatasets(
  datasets: Datasets,
  rights: Rights,
  scopeOf: (dataset: Dataset) => Scope,
): Meta {
  const described = visibleDatasets(datasets, scopeOf).map((dataset) =>
    describe(dataset, scopeOf(dataset)),
  )
  const traffic = { one: 'request', many: 'requests' }
  const requests = datasets.get('requests')
  return {
    datasets: described,
    visibility: {
      ...(requests === undefined
        ? explainVisibility(rights, { rule: 'service_or_route' }, traffic)
        : scopeOf(requests).visibility),
      masked: described.flatMap(({ visibility }) => visibility.masked),
    },
  }
}

function describe({ name, title, about, members }: Dataset, scope: Scope): DatasetMeta {
  const membersOf = (kind: Member['kind']): readonly MemberMeta[] =>
    [...members.values()]
      .filter((member) => member.kind === kind)
      .map((member) => ({
        name: member.name,
        title: member.title,
        about: member.about,
        type: member.type,
        format: member.format,
        masked: isMasked(member, scope),
      }))
  return {
    name,
    title,
    about,
    measures: membersOf('measure'),
    dimensions: membersOf('dimension'),
    segments: membersOf('segment'),
    visibility: scope.visibility,
  }
}
