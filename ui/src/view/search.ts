/** One condition of the page: rows whose member has, or with `exclude` has not, the value. An empty value matches rows without one. */
export type PageFilter = {
  /** Member of `requests`, without the dataset. */
  readonly member: string
  readonly value: string
  readonly exclude: boolean
}

/** The search parameters of a page. */
export type Search = {
  readonly workspace?: string
  readonly range?: string
  readonly live?: 'off'
  /** ID of the request whose details are open. */
  readonly request?: string
  readonly filters?: readonly PageFilter[]
  /** Secret of a one-time set-up link. */
  readonly secret?: string
  /** The path to open after sign-in. */
  readonly next?: string
}

const reserved = ['workspace', 'range', 'live', 'request', 'secret', 'next'] as const
const filterKey = /^(not\.)?([a-z][a-z0-9_]*)$/

/** Parses search parameters. Filters are `member=value` and `not.member=value`; every key that is not reserved is a filter. */
export function parseSearch(text: string): Search {
  const filters: PageFilter[] = []
  const known: Record<string, string> = {}
  for (const [key, value] of new URLSearchParams(text)) {
    const found = filterKey.exec(key)
    if ((reserved as readonly string[]).includes(key)) known[key] = value
    else if (found?.[2] !== undefined)
      filters.push({ member: found[2], value, exclude: found[1] !== undefined })
  }
  if (known['live'] !== 'off') delete known['live']
  return { ...known, ...(filters.length > 0 ? { filters } : {}) }
}

/** Formats search parameters, with a leading question mark unless there are none. */
export function formatSearch(search: Search): string {
  const parameters = new URLSearchParams()
  for (const key of reserved) {
    const value = search[key]
    if (value !== undefined && value !== '') parameters.set(key, value)
  }
  for (const { member, value, exclude } of search.filters ?? [])
    parameters.append(exclude ? `not.${member}` : member, value)
  const text = parameters.toString().replaceAll('%3A', ':').replaceAll('%2F', '/')
  return text === '' ? '' : `?${text}`
}

/** The parameters that links between pages keep: the workspace and the time range, not the filters. */
export const keepScope = ({ workspace, range, live }: Search): Search => ({
  ...(workspace === undefined ? {} : { workspace }),
  ...(range === undefined ? {} : { range }),
  ...(live === undefined ? {} : { live }),
})
