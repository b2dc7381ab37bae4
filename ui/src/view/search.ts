/** One condition of the page: rows whose member has, or with `exclude` has not, the value. An empty value means none. */
export type PageFilter = {
  /** Member of `requests`, without the dataset. */
  readonly member: string
  readonly value: string
  readonly exclude: boolean
}

/** What the address of a page says beside its path. */
export type Search = {
  readonly workspace?: string
  readonly range?: string
  readonly live?: 'off'
  /** Request whose details are open. */
  readonly request?: string
  readonly filters?: readonly PageFilter[]
  /** Secret of a one-time set-up link. */
  readonly secret?: string
  /** Where to go after signing in. */
  readonly next?: string
}

const words = ['workspace', 'range', 'live', 'request', 'secret', 'next'] as const
const filterKey = /^(not\.)?([a-z][a-z0-9_]*)$/

/** Reads the search part of an address; filters are `member=value` and `not.member=value`, and what is no known word is one. */
export function parseSearch(text: string): Search {
  const filters: PageFilter[] = []
  const known: Record<string, string> = {}
  for (const [key, value] of new URLSearchParams(text)) {
    const found = filterKey.exec(key)
    if ((words as readonly string[]).includes(key)) known[key] = value
    else if (found?.[2] !== undefined)
      filters.push({ member: found[2], value, exclude: found[1] !== undefined })
  }
  if (known['live'] !== 'off') delete known['live']
  return { ...known, ...(filters.length > 0 ? { filters } : {}) }
}

/** Writes the search part of an address, with its question mark when there is any. */
export function formatSearch(search: Search): string {
  const parameters = new URLSearchParams()
  for (const word of words) {
    const value = search[word]
    if (value !== undefined && value !== '') parameters.set(word, value)
  }
  for (const { member, value, exclude } of search.filters ?? [])
    parameters.append(exclude ? `not.${member}` : member, value)
  const text = parameters.toString().replaceAll('%3A', ':').replaceAll('%2F', '/')
  return text === '' ? '' : `?${text}`
}

/** What stays when one page leads to another: the workspace and the time range, not the filters. */
export const keepScope = ({ workspace, range, live }: Search): Search => ({
  ...(workspace === undefined ? {} : { workspace }),
  ...(range === undefined ? {} : { range }),
  ...(live === undefined ? {} : { live }),
})
