import type { FastifyRequest } from 'fastify'
import { hasTags, type ListRequest, type TagFilter } from '../../control/list-entries.ts'
import { Problem } from '../../lib/problem.ts'
import type { Entry } from '../../entities/entry.ts'
import { uuidPattern } from '../../entities/fields.ts'

/** One page of a list in Kong's form. */
export type Page = {
  readonly data: readonly unknown[]
  readonly next: string | null
  readonly offset?: string
}

/** The query of a list. */
export type PageRequest = {
  /** Path of the list as the client wrote it, without the query. */
  readonly path: string
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Kong drops size and tags from the `next` of nested lists, and ignores their tags. */
  readonly isNested: boolean
}

/** The query of a request for a list. */
export const pageRequest = (
  { url, query }: Pick<FastifyRequest, 'url' | 'query'>,
  isNested: boolean,
): PageRequest => ({
  path: url.split('?', 1)[0] ?? '',
  query: query as PageRequest['query'],
  isNested,
})

/** The entries of a list that can be on the page of a request. */
export const rangeOf = ({ query, isNested }: PageRequest): Pick<ListRequest, 'after' | 'tags'> => ({
  after: offsetIn(query['offset']),
  tags: isNested ? undefined : tagsIn(query['tags']),
})

/** A page of rows that are in order of id. Reads one row more than the page holds. */
export function buildPage<Row extends Pick<Entry, 'id' | 'fields'>>(
  rows: Iterable<Row>,
  request: PageRequest,
  present: (row: Row) => unknown,
): Page {
  const size = sizeIn(request.query['size'])
  const { after = '', tags } = rangeOf(request)
  const data: unknown[] = []
  let last = ''
  for (const row of rows) {
    if (row.id <= after || (tags !== undefined && !hasTags(row, tags))) continue
    if (data.length === size) return { data, ...linkAfter(last, request) }
    data.push(present(row))
    last = row.id
  }
  return { data, next: null }
}

function linkAfter(last: string, { path, query, isNested }: PageRequest) {
  const offset = Buffer.from(last).toString('base64url')
  const search = new URLSearchParams({ offset })
  for (const name of isNested ? [] : ['tags', 'size']) {
    const value = query[name]
    if (typeof value === 'string') search.set(name, value)
  }
  return { next: `${path}?${search.toString()}`, offset }
}

function sizeIn(value: PageRequest['query'][string]): number {
  if (value === undefined) return 100
  const size = Number(value)
  if (Number.isInteger(size) && size >= 1 && size <= 1000) return size
  throw new Problem('admin.size', 400, 'size must be an integer between 1 and 1000', {
    detail: { code: 9, name: 'invalid size' },
  })
}

function offsetIn(value: PageRequest['query'][string]): string {
  if (value === undefined) return ''
  const offset = Buffer.from(String(value), 'base64url').toString()
  if (uuidPattern.test(offset)) return offset
  throw new Problem(
    'admin.offset',
    400,
    `'${String(value)}' is not a valid offset: bad base64 encoding`,
    {
      detail: { code: 7, name: 'invalid offset' },
    },
  )
}

/** `a,b` is every tag, `a/b` any of them. */
function tagsIn(value: PageRequest['query'][string]): TagFilter | undefined {
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
