import type { FastifyRequest } from 'fastify'
import { Problem } from '../lib/problem.ts'
import { tagsOf, type Entry } from '../entities/entry.ts'
import { uuidPattern } from '../entities/fields.ts'

/** One page of a list in Kong's form. */
export type Page = {
  readonly data: readonly unknown[]
  readonly next: string | null
  readonly offset?: string
}

/** What a caller asked of a list in its query string. */
export type PageRequest = {
  /** Path of the list as the caller wrote it, without the query. */
  readonly path: string
  readonly query: Readonly<Record<string, string | readonly string[] | undefined>>
  /** Kong leaves size and tags out of account under another entity. */
  readonly isNested: boolean
}

/** What a request asks of the list at its path. */
export const pageAsked = (
  { url, query }: Pick<FastifyRequest, 'url' | 'query'>,
  isNested: boolean,
): PageRequest => ({
  path: url.split('?', 1)[0] ?? '',
  query: query as PageRequest['query'],
  isNested,
})

/** The page of entries, in order of id, that a request asks for. */
export function pageOf<Kind extends Entry>(
  entries: Iterable<Kind>,
  request: PageRequest,
  present: (entry: Kind) => unknown,
): Page {
  const { query } = request
  const size = sizeIn(query['size'])
  const after = offsetIn(query['offset'])
  const hasTags = request.isNested ? () => true : tagsIn(query['tags'])
  const data: unknown[] = []
  let last = ''
  for (const entry of entries) {
    if (entry.id <= after || !hasTags(entry)) continue
    if (data.length === size) return { data, ...linkAfter(last, request) }
    data.push(present(entry))
    last = entry.id
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

/** `a,b` wants every tag, `a/b` any of them. */
function tagsIn(value: PageRequest['query'][string]): (entry: Entry) => boolean {
  if (value === undefined) return () => true
  const text = String(value)
  const words = text.split(/[,/]/)
  const isMixed = text.includes(',') && text.includes('/')
  if (isMixed || words.includes('') || words.length > 5) throw invalidTags()
  return (entry) => {
    const tags = tagsOf(entry)
    return text.includes('/')
      ? words.some((word) => tags.includes(word))
      : words.every((word) => tags.includes(word))
  }
}

const invalidTags = (): Problem =>
  new Problem('admin.tags', 400, 'invalid option (tags: invalid filter syntax)', {
    detail: { code: 11, name: 'invalid options', options: { tags: 'invalid filter syntax' } },
  })
