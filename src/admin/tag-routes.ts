import { entities, type Entity } from '../entities/entities.ts'
import { declaredName } from '../entities/declaration.ts'
import { tagsOf, type Entry } from '../entities/entry.ts'
import type { AdminRoute, Asked } from './admin-route.ts'
import { locateAt } from './schema-routes.ts'
import { mayReadEntry } from './may-read-entry.ts'
import { pageAsked, pageOf } from './page.ts'

/** Which entities carry which tags, of those that the asker may read. */
export const tagRoutes: readonly AdminRoute[] = ['/tags', '/tags/:tag'].map((path) => ({
  path,
  isFiltered: true,
  locate: (locating) => locateAt(path, locating),
  methods: { GET: async (asked) => tagsFor(asked, asked.params['tag']) },
}))

const tagged = entities.filter(({ fields }) => 'tags' in fields.shape)

type Row = { readonly entity: Entity; readonly entry: Entry; readonly tag: string }

function tagsFor(asked: Asked, wanted: string | undefined): unknown {
  const { request, refusal } = asked
  const rows = tagged
    .flatMap((entity) => rowsOf(asked, entity))
    .filter(({ tag }) => wanted === undefined || tag === wanted)
    .toSorted((a, b) => (a.entry.id < b.entry.id ? -1 : 1))
  if (refusal !== undefined && rows.length === 0) throw refusal
  const byId = Map.groupBy(rows, ({ entry }) => entry.id)
  const page = pageOf(
    [...byId.values()].flatMap(([row]) => row?.entry ?? []),
    pageAsked(request, false),
    ({ id }) => (byId.get(id) ?? []).map(presentRow),
  )
  return { ...page, data: page.data.flat() }
}

function rowsOf(asked: Asked, entity: Entity): Row[] {
  const { configuration, place } = asked
  return configuration
    .list({ entity: entity.name, workspace: place.id })
    .filter((entry) => tagsOf(entry).length > 0 && mayReadEntry(asked, entity.name, entry))
    .flatMap((entry) => tagsOf(entry).map((tag) => ({ entity, entry, tag })))
}

const presentRow = ({ entity, entry, tag }: Row) => ({
  entity_name: declaredName(entity),
  entity_id: entry.id,
  tag,
})
