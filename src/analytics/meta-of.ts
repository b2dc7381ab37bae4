import type { MemberMeta, Meta } from '../schema/answer.ts'
import type { Scope } from './build-scope.ts'
import type { Dataset, Member } from './dataset.ts'

/** What an asker may ask about; who sees no rows gets no words either. */
export function metaOf({ name, title, about, members }: Dataset, scope: Scope): Meta {
  const { visibility, identity } = scope
  if (visibility.scope === 'nothing') return { datasets: [], visibility }
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
  const dataset = {
    name,
    title,
    about,
    measures: listed('measure'),
    dimensions: listed('dimension'),
    segments: listed('segment'),
  }
  return { datasets: [dataset], visibility }
}
