import { Problem } from '../lib/problem.ts'
import { isRecord } from '../lib/is-record.ts'

/** A declarative document in decK's format, its head read and its entities still as they were written. */
export type DeclarativeDocument = {
  /** Name of the workspace; undefined where the document does not say. */
  readonly workspace: string | undefined
  /** Tags that every entity of it gets, and outside of which it touches nothing. */
  readonly selectTags: readonly string[]
  /** Whether passwords come as the hashes that are kept, as in a dump. */
  readonly isHashed: boolean
  /** Name of a kind → fields of entities that do not say them. */
  readonly defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Name → settings that plugins may refer to. */
  readonly pluginConfigs: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Name in documents → what was written under it. */
  readonly lists: Readonly<Record<string, readonly unknown[]>>
}

/** The version of the format that is read and written. */
export const formatVersion = '3.0'

/** Reads the head of a document; refuses what is not one, and what would be done otherwise than the document says. */
export function readDocument(value: unknown): DeclarativeDocument {
  if (!isRecord(value)) throw invalid('expected a record with _format_version')
  const version = value['_format_version']
  if (typeof version !== 'string' || !/^3\.\d+$/.test(version)) {
    throw invalid(`_format_version: expected "${formatVersion}", and got ${shown(version)}`)
  }
  if (value['_transform'] === false) throw invalid('_transform: only true is supported')
  const about = recordAt(value, '_info')
  const lists: Record<string, readonly unknown[]> = {}
  for (const [name, list] of Object.entries(value)) {
    if (name.startsWith('_')) checkHead(name)
    else if (Array.isArray(list)) lists[name] = list as unknown[]
    else if (list !== null && list !== undefined) throw invalid(`${name}: expected an array`)
  }
  return {
    workspace: textAt(value, '_workspace'),
    selectTags: tagsAt(about),
    isHashed: about['skip_hash_for_basic_auth'] === true,
    defaults: recordsAt(about, 'defaults'),
    pluginConfigs: recordsAt(value, '_plugin_configs'),
    lists,
  }
}

/** One document of several: their lists after each other; they must agree in all else. */
export function mergeDocuments(documents: readonly unknown[]): unknown {
  const merged: Record<string, unknown> = {}
  for (const document of documents) {
    if (!isRecord(document)) throw invalid('expected a record with _format_version')
    for (const [name, value] of Object.entries(document)) {
      merged[name] = mergeValues(name, merged[name] ?? undefined, value)
    }
  }
  return merged
}

function mergeValues(name: string, known: unknown, value: unknown): unknown {
  if (known === undefined) return value
  if (Array.isArray(known) && Array.isArray(value)) return [...(known as unknown[]), ...value]
  if (isRecord(known) && isRecord(value)) return { ...known, ...value }
  if (known === value || name === '_comment') return known
  throw invalid(`${name}: the files do not agree: ${shown(known)} and ${shown(value)}`)
}

const shown = (value: unknown): string => JSON.stringify(value) ?? 'nothing'

/** A document that cannot be followed. */
export const invalid = (
  sentence: string,
  detail: Readonly<Record<string, unknown>> = {},
): Problem =>
  new Problem('declarative.invalid', 400, `declarative config is invalid: ${sentence}`, {
    detail: { code: 14, name: 'invalid declarative configuration', ...detail },
  })

const heads: ReadonlySet<string> = new Set([
  '_format_version',
  '_transform',
  '_info',
  '_workspace',
  '_plugin_configs',
  '_comment',
  '_ignore',
])

function checkHead(name: string): void {
  if (!heads.has(name)) throw invalid(`${name}: unknown field`)
}

function textAt(value: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const found = value[name]
  if (found === undefined || found === null || found === '') return undefined
  if (typeof found !== 'string') throw invalid(`${name}: expected a string`)
  return found
}

function recordAt(
  value: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  const found = value[name] ?? {}
  if (!isRecord(found)) throw invalid(`${name}: expected a record`)
  return found
}

function recordsAt(value: Readonly<Record<string, unknown>>, name: string) {
  const found = Object.entries(recordAt(value, name))
  return Object.fromEntries(found.map(([key]) => [key, recordAt(recordAt(value, name), key)]))
}

function tagsAt(about: Readonly<Record<string, unknown>>): readonly string[] {
  const tags = about['select_tags'] ?? []
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags
  throw invalid('_info.select_tags: expected an array of strings')
}
