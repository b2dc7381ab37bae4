import { Problem } from '../lib/problem.ts'
import { isRecord } from '../lib/is-record.ts'

/** A document in decK's format with parsed metadata; its entities are not parsed yet. */
export type DeclarativeDocument = {
  /** A name; undefined when the document names no workspace. */
  readonly workspace: string | undefined
  /** Every entity gets these tags, and a sync changes only entities that have them. */
  readonly selectTags: readonly string[]
  /** Passwords are hashes, as in a dump. */
  readonly isHashed: boolean
  /** Default fields by kind. */
  readonly defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Shared plugin settings by name. */
  readonly pluginConfigs: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  /** Unparsed entities by list name. */
  readonly lists: Readonly<Record<string, readonly unknown[]>>
}

export const formatVersion = '3.0'

/** Parses the metadata; throws for unsupported options. */
export function readDocument(value: unknown): DeclarativeDocument {
  if (!isRecord(value)) throw invalid('expected a record with _format_version')
  const version = value['_format_version']
  if (typeof version !== 'string' || !/^3\.\d+$/.test(version)) {
    throw invalid(`_format_version: expected "${formatVersion}", got ${toText(version)}`)
  }
  if (value['_transform'] === false) throw invalid('_transform: only true is supported')
  const info = optionalRecord(value, '_info')
  const lists: Record<string, readonly unknown[]> = {}
  for (const [name, list] of Object.entries(value)) {
    if (name.startsWith('_')) checkMetadataField(name)
    else if (Array.isArray(list)) lists[name] = list as unknown[]
    else if (list !== null && list !== undefined) throw invalid(`${name}: expected an array`)
  }
  return {
    workspace: optionalText(value, '_workspace'),
    selectTags: selectTagsIn(info),
    isHashed: info['skip_hash_for_basic_auth'] === true,
    defaults: optionalRecords(info, 'defaults'),
    pluginConfigs: optionalRecords(value, '_plugin_configs'),
    lists,
  }
}

/** Concatenates the lists of several documents; other values must be equal. */
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
  throw invalid(`${name}: conflicting values in the files: ${toText(known)} and ${toText(value)}`)
}

const toText = (value: unknown): string => JSON.stringify(value) ?? 'nothing'

export const invalid = (
  sentence: string,
  detail: Readonly<Record<string, unknown>> = {},
): Problem =>
  new Problem('declarative.invalid', 400, `declarative config is invalid: ${sentence}`, {
    detail: { code: 14, name: 'invalid declarative configuration', ...detail },
  })

const metadataFields: ReadonlySet<string> = new Set([
  '_format_version',
  '_transform',
  '_info',
  '_workspace',
  '_plugin_configs',
  '_comment',
  '_ignore',
])

function checkMetadataField(name: string): void {
  if (!metadataFields.has(name)) throw invalid(`${name}: unknown field`)
}

function optionalText(value: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const found = value[name]
  if (found === undefined || found === null || found === '') return undefined
  if (typeof found !== 'string') throw invalid(`${name}: expected a string`)
  return found
}

function optionalRecord(
  value: Readonly<Record<string, unknown>>,
  name: string,
): Readonly<Record<string, unknown>> {
  const found = value[name] ?? {}
  if (!isRecord(found)) throw invalid(`${name}: expected a record`)
  return found
}

function optionalRecords(value: Readonly<Record<string, unknown>>, name: string) {
  const found = Object.entries(optionalRecord(value, name))
  return Object.fromEntries(
    found.map(([key]) => [key, optionalRecord(optionalRecord(value, name), key)]),
  )
}

function selectTagsIn(info: Readonly<Record<string, unknown>>): readonly string[] {
  const tags = info['select_tags'] ?? []
  if (Array.isArray(tags) && tags.every((tag) => typeof tag === 'string')) return tags
  throw invalid('_info.select_tags: expected an array of strings')
}
