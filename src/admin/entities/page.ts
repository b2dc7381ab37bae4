import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { sortKey, type Position, type SortOrder } from '../../control/entry-indexes.ts'
import { hasTags, type ListRequest, type TagFilter } from '../../control/list-entries.ts'
import { readableLookup } from '../../control/reader.ts'
import { containsWords } from '../../control/search-text.ts'
import type { Entity } from '../../entities/entities.ts'
import { Problem } from '../../lib/problem.ts'
import type { Entry } from '../../entities/entry.ts'
import type { RequestContext } from '../admin-route.ts'
import { uuidPattern } from '../../entities/fields.ts'

/** One page of a list in Kong's form. */
export type Page = {
  readonly data: readonly unknown[]
  readonly next: string | null
  readonly offset?: string
}

/** The query of a list. */
export type PageRequest<Row = Listed> = {
  /** Path of the list as the client wrote it, without the query. */
  readonly path: string
  readonly query: ListQuery
  /** Kong drops size and tags from the `next` of nested lists, and ignores their tags. */
  readonly isNested: boolean
  /** In ascending order of id when absent. */
  readonly sort?: SortOrder | undefined
  /** Whether a row matches the search; all do when absent. */
  readonly matches?: ((row: Row) => boolean) | undefined
}

/** Parameters of the query string. */
export type ListQuery = Readonly<Record<string, string | readonly string[] | undefined>>

type Listed = Pick<Entry, 'id' | 'createdAt' | 'updatedAt' | 'fields'>

/** The query of a request for a list. */
export const pageRequest = (
  { url, query }: Pick<FastifyRequest, 'url' | 'query'>,
  isNested: boolean,
): PageRequest => ({
  path: url.split('?', 1)[0] ?? '',
  query: query as ListQuery,
  isNested,
})

/** The query of a request for a list of entities, which can be searched and sorted. */
export function searchRequest(
  {
    configuration,
    principal,
    request,
  }: Pick<RequestContext, 'configuration' | 'principal' | 'request'>,
  entity: Entity,
  isNested: boolean,
): PageRequest<Entry> {
  const page = pageRequest(request, isNested)
  const words = wordsIn(page.query['search'])
  const lookup = readableLookup(configuration.lookup, configuration.readerFor(principal))
  return {
    ...page,
    sort: sortIn(page.query, entity),
    matches:
      words.length === 0 ? undefined : (entry) => containsWords(entity, entry, words, lookup),
  }
}

/** The entries of a list that can be on the page of a request. */
export const rangeOf = <Row>({
  query,
  isNested,
  sort,
}: PageRequest<Row>): Pick<ListRequest, 'after' | 'sort' | 'tags'> => ({
  sort,
  after: offsetIn(query['offset'], sort),
  tags: isNested ? undefined : tagsIn(query['tags']),
})

/**
 * A search compares at most so many rows for a page, which takes about 15 ms, and 85 ms where their texts are not built
 * yet. The page then ends early and the next one continues.
 */
export const maxCompared = 10_000

/** A page of rows that are in order. Reads one row more than the page holds. */
export function buildPage<Row extends Listed>(
  rows: Iterable<Row>,
  request: PageRequest<Row>,
  present: (row: Row) => unknown,
): Page {
  const size = sizeIn(request.query['size'])
  const data: unknown[] = []
  let last: Row | undefined
  let compared = 0
  for (const row of rowsInRange(rows, request)) {
    const isMatch = request.matches?.(row) ?? true
    if (last !== undefined && ((isMatch && data.length === size) || compared === maxCompared)) {
      return { data, ...linkAfter(last, request) }
    }
    if (isMatch) data.push(present(row))
    if (request.matches !== undefined) compared += 1
    last = row
  }
  return { data, next: null }
}

/** Rows that were not read by an index can be outside of the range. */
function* rowsInRange<Row extends Listed>(
  rows: Iterable<Row>,
  request: PageRequest<Row>,
): Iterable<Row> {
  const { after, sort, tags } = rangeOf(request)
  for (const row of rows) {
    if (after !== undefined && sort === undefined && row.id <= after.id) continue
    if (tags === undefined || hasTags(row, tags)) yield row
  }
}

function linkAfter<Row extends Listed>(
  last: Row,
  { path, query, isNested, sort }: PageRequest<Row>,
) {
  const position =
    sort === undefined ? last.id : JSON.stringify([sort.by, sortKey(last, sort.by), last.id])
  const offset = Buffer.from(position).toString('base64url')
  const search = new URLSearchParams({ offset })
  const kept = sort === undefined ? ['search'] : ['search', 'sort_by', 'sort_desc']
  for (const name of isNested ? kept : ['tags', 'size', ...kept]) {
    const value = query[name]
    if (typeof value === 'string') search.set(name, value)
  }
  return { next: `${path}?${search.toString()}`, offset }
}

function sizeIn(value: ListQuery[string]): number {
  if (value === undefined) return 100
  const size = Number(value)
  if (Number.isInteger(size) && size >= 1 && size <= 1000) return size
  throw new Problem('admin.size', 400, 'size must be an integer between 1 and 1000', {
    detail: { code: 9, name: 'invalid size' },
  })
}

function offsetIn(value: ListQuery[string], sort: SortOrder | undefined): Position | undefined {
  if (value === undefined) return undefined
  const text = Buffer.from(String(value), 'base64url').toString()
  const position = sort === undefined ? { id: text, sortKey: '' } : sortedPosition(text, sort)
  if (position !== undefined && uuidPattern.test(position.id)) return position
  throw new Problem(
    'admin.offset',
    400,
    `'${String(value)}' is not a valid offset: bad base64 encoding`,
    {
      detail: { code: 7, name: 'invalid offset' },
    },
  )
}

/** The position in an offset that was made for a list with the same order. */
function sortedPosition(text: string, { by }: SortOrder): Position | undefined {
  try {
    const [field, key, id] = positionSchema.parse(JSON.parse(text))
    return field === by ? { sortKey: key, id } : undefined
  } catch {
    return undefined
  }
}

const positionSchema = z.tuple([z.string(), z.string(), z.string()])

/** The fields by which a list of an entity can be sorted. */
export function sortFields({ key, secret, fields }: Entity): readonly string[] {
  const names = [key, 'name'].filter(
    (field) => field !== undefined && field in fields.shape && !secret.includes(field),
  )
  return [...new Set(names as string[]), 'created_at', 'updated_at']
}

function sortIn(query: ListQuery, entity: Entity): SortOrder | undefined {
  const by = query['sort_by']
  if (by === undefined) return undefined
  const allowed = sortFields(entity)
  if (!allowed.includes(String(by))) {
    throw invalidOption('sort_by', `expected one of: ${allowed.join(', ')}`)
  }
  const isDescending = booleans.get(String(query['sort_desc'] ?? 'false'))
  if (isDescending === undefined) throw invalidOption('sort_desc', 'expected true or false')
  return { by: String(by), isDescending }
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

const invalidOption = (option: string, violation: string): Problem =>
  new Problem('admin.list_option', 400, `invalid option (${option}: ${violation})`, {
    detail: { code: 11, name: 'invalid options', options: { [option]: violation } },
  })

/** Characters of a search. */
export const maxSearch = 256

function wordsIn(value: ListQuery[string]): string[] {
  const text = String(value ?? '')
  if (text.length > maxSearch) {
    throw invalidOption('search', `expected at most ${maxSearch} characters`)
  }
  return text.toLowerCase().split(/\s+/).filter(Boolean)
}

/** `a,b` is every tag, `a/b` any of them. */
function tagsIn(value: ListQuery[string]): TagFilter | undefined {
  if (value === undefined) return undefined
  const text = String(value)
  const tags = text.split(/[,/]/)
  const isMixed = text.includes(',') && text.includes('/')
  if (isMixed || tags.includes('') || tags.length > 5) throw invalidTags()
  return { match: text.includes('/') ? 'any' : 'every', tags }
}

const invalidTags = (): Problem =>
  new Problem('admin.tags', 400, 'invalid option (tags: invalid filter syntax)', {
    detail: { code: 11, name: 'invalid options', options: { tags: 'invalid filter syntax' } },
  })
