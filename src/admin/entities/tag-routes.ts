import type { Position } from '../../control/entry-indexes.ts'
import { mergeInOrder, type TagFilter } from '../../control/list-entries.ts'
import { entities, type Entity } from '../../entities/entities.ts'
import { declaredName } from '../../entities/declaration.ts'
import { tagsOf, type Entry } from '../../entities/entry.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { hasAny } from './collection-route.ts'
import { readableEntries } from './may-read-entry.ts'
import { buildPage, pageRequest, rangeOf } from './page.ts'
import { locateAt } from './schema-routes.ts'

/** Tags of the entities that the principal may read. */
export const tagRoutes: readonly AdminRoute[] = ['/tags', '/tags/:tag'].map((path) => ({
  path,
  isFiltered: true,
  locate: (context) => locateAt(path, context),
  methods: { GET: (context) => readTags(context, context.params['tag']) },
}))

const taggable = entities.filter(({ fields }) => 'tags' in fields.shape)

type Tagged = Entry & { readonly entity: Entity }

async function readTags(context: RequestContext, tag: string | undefined): Promise<unknown> {
  const tags = tagFilter(tag)
  for (const { name: entity } of taggable) {
    await context.configuration.prepareList({ entity, tags })
  }
  const { request, refusal } = context
  if (refusal !== undefined && !hasAny(rowsAfter(context, tag, undefined))) throw refusal
  const wanted = pageRequest(request, false)
  const rows = rowsAfter(context, tag, rangeOf(wanted).after)
  const page = buildPage(rows, wanted, ({ rows: ofId }) =>
    ofId.flatMap((row) => matchingTags(row, tag).map((one) => presentRow(row, one))),
  )
  return { ...page, data: page.data.flat() }
}

/** Entities with tags, in order of id; entities of different kinds may have the same id. */
function* rowsAfter(
  context: RequestContext,
  tag: string | undefined,
  after: Position | undefined,
): Iterable<Entry & { readonly rows: readonly Tagged[] }> {
  const lists = taggable.map((entity) => readableOf(context, entity, tag, after))
  for (const rows of mergeInOrder(lists, (a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0))) {
    const [first] = rows
    if (first !== undefined) yield { ...first, rows }
  }
}

function* readableOf(
  context: RequestContext,
  entity: Entity,
  tag: string | undefined,
  after: Position | undefined,
): Iterable<Tagged> {
  const tags = tagFilter(tag)
  const list = { entity: entity.name, workspace: context.workspaceRef.id, tags, after }
  for (const entry of readableEntries(context, list)) yield { ...entry, entity }
}

const tagFilter = (tag: string | undefined): TagFilter => ({
  match: 'every',
  tags: tag === undefined ? [] : [tag],
})

const matchingTags = (entry: Entry, tag: string | undefined): readonly string[] =>
  tagsOf(entry).filter((one) => tag === undefined || one === tag)

const presentRow = ({ entity, id }: Tagged, tag: string) => ({
  entity_name: declaredName(entity),
  entity_id: id,
  tag,
})
