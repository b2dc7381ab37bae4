import type { DatasetMeta, MemberMeta, Meta } from '../schema/answer.ts'
import type { Scope } from './build-scope.ts'
import type { Dataset, Member } from './dataset.ts'

/** What an asker may ask about; who sees no rows of a dataset gets no words of it either. The visibility is that of the first. */
export function metaOf(datasets: readonly Dataset[], scopes: readonly Scope[]): Meta {
  const [first] = scopes as readonly [Scope]
  const told = datasets.flatMap((dataset, at) => {
    const scope = scopes[at]
    return scope === undefined || scope.visibility.scope === 'nothing'
      ? []
      : [describe(dataset, scope)]
  })
  return { datasets: told, visibility: first.visibility }
}

function describe({ name, title, about, members }: Dataset, { identity }: Scope): DatasetMeta {
  const listed = (kind: Member['kind']): readonly MemberMeta[] =>
    [...members.values()]
      .filter((member) => member.kind === kind)
      .map((member) => ({
        name: member.name,
        title: member.title,
        about: member.about,
        type: member.type,
        format: member.format,
        masked: member.identity && identity.scope === 'nothing',
      }))
  return {
    name,
    title,
    about,
    measures: listed('measure'),
    dimensions: listed('dimension'),
    segments: listed('segment'),
  }
}
