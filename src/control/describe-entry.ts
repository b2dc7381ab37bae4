import { entities, type Entity, type EntityName } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import type { NameOf } from '../entities/hooks.ts'
import { nameOf } from './redact.ts'

/** Number of changed entities of one kind. */
export type KindCount = {
  readonly entity: EntityName
  readonly created: number
  readonly updated: number
  readonly deleted: number
}

/** A readable label of an entry, after the name of its kind: `10.0.0.1:80 of pool`. References are named by `nameReference`. */
export function describeEntry(entity: Entity, entry: Entry, nameReference: NameOf): string {
  const described = entity.describe?.(entry, nameReference)
  if (described !== undefined) return described
  const own = nameOf(entity, entry)
  const parent = entity.belongsTo === undefined ? '' : nameReference(entity.belongsTo)
  if (parent === '') return own
  return own === entry.id ? `of ${parent}` : `${own} of ${parent}`
}

/** `Create 3 services, 2 routes and 1 plugin, delete 2 plugins`. */
export function summarizeCounts(kinds: readonly KindCount[]): string {
  const ofVerb = (verb: keyof typeof verbs): string[] =>
    kinds
      .filter((kind) => kind[verb] > 0)
      .toSorted(byKind)
      .map(({ entity, [verb]: count }) => `${count} ${nounFor(entity, count)}`)
  return joinVerbs((verb) => ofVerb(verb))
}

/** `Create consumer alice and key auth of alice`. */
export const summarizeNamed = (
  named: readonly { readonly verb: Verb; readonly entity: EntityName; readonly words: string }[],
): string =>
  joinVerbs((verb) =>
    named
      .filter((one) => one.verb === verb)
      .toSorted(byKind)
      .map(({ entity, words }) => `${nounFor(entity, 1)} ${words}`),
  )

const verbs = { created: 'create', updated: 'update', deleted: 'delete' } as const

export type Verb = keyof typeof verbs

export const verbOf = (before: Entry | undefined, after: Entry | undefined): Verb =>
  before === undefined ? 'created' : after === undefined ? 'deleted' : 'updated'

const ranks = new Map<string, number>(entities.map(({ name }, index) => [name, index]))

const byKind = (a: { readonly entity: EntityName }, b: { readonly entity: EntityName }): number =>
  (ranks.get(a.entity) ?? 0) - (ranks.get(b.entity) ?? 0)

function joinVerbs(objectsOf: (verb: Verb) => readonly string[]): string {
  const clauses = (['created', 'updated', 'deleted'] as const).flatMap((verb) => {
    const objects = objectsOf(verb)
    return objects.length === 0 ? [] : [`${verbs[verb]} ${enumerate(objects)}`]
  })
  const text = clauses.join(', ')
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`
}

const enumerate = (words: readonly string[]): string =>
  words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`

const nounFor = (entity: EntityName, count: number): string =>
  `${entity.replaceAll('-', ' ')}${count === 1 ? '' : 's'}`
