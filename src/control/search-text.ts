import type { Entity } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import type { Lookup } from '../entities/hooks.ts'
import { memoizeByKey } from '../lib/memoize-by-key.ts'

/** Fields that a search covers, if an entity has them and they are not secret. */
const searchedFields = [
  'name',
  'username',
  'custom_id',
  'instance_name',
  'group',
  'kid',
  'prefix',
  'target',
  'description',
  'comment',
  'protocol',
  'host',
  'path',
  'hosts',
  'snis',
  'paths',
  'expression',
  'methods',
  'tags',
] as const

/** The fields of an entity that a search covers. */
export const searchedIn = memoizeByKey(
  ({ fields, secret, sealed = [], virtual = {} }: Entity): readonly string[] =>
    searchedFields.filter(
      (field) =>
        (field in fields.shape || field in virtual) &&
        !secret.includes(field) &&
        !sealed.includes(field),
    ),
)

/** Whether an entry contains every word, in one of its searched fields or in its id. The words are in lower case. */
export function containsWords(
  entity: Entity,
  entry: Entry,
  words: readonly string[],
  lookup: Lookup,
): boolean {
  const text = texts.get(entry) ?? searchText(entity, entry, lookup)
  return words.every((word) => text.includes(word))
}

/** Entries are immutable, so that their text is built once. 100,000 routes keep about 20 MB of it. */
const texts = new WeakMap<Entry, string>()

function searchText(entity: Entity, entry: Entry, lookup: Lookup): string {
  const fields = searchedIn(entity)
  const { virtual = {} } = entity
  const isOwn = !fields.some((field) => field in virtual)
  const shown = isOwn
    ? entry.fields
    : { ...entry.fields, ...entity.present?.(entry, { lookup, now: 0 }) }
  const values = fields.flatMap((field) => shown[field])
  // No word contains the separator, so none matches across two values.
  const text = [entry.id, ...values.filter((value) => typeof value === 'string')]
    .join('\n')
    .toLowerCase()
  // Virtual fields show other entries, which change independently of this one.
  if (isOwn) texts.set(entry, text)
  return text
}
