import { readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'

export type HostsEntry = { readonly v4: string[]; readonly v6: string[] }

/** Addresses by name from /etc/hosts, read again after a change. */
export const readHosts = cacheFile('/etc/hosts', parseHosts)

/** The names to query for `name`, in order, by the search list and ndots of resolv.conf. */
export function readSearch(name: string): string[] {
  return searchOrder(name, readResolverFile())
}

const readResolverFile = cacheFile('/etc/resolv.conf', parseSearch)

export function parseHosts(text: string): ReadonlyMap<string, HostsEntry> {
  const entries = new Map<string, HostsEntry>()
  for (const line of text.split('\n')) {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/)
    const family = isIP(address)
    if (family === 0) continue
    for (const name of names) {
      const key = name.toLowerCase()
      const entry = entries.get(key) ?? { v4: [], v6: [] }
      entries.set(key, entry)
      const list = family === 4 ? entry.v4 : entry.v6
      if (!list.includes(address)) list.push(address)
    }
  }
  return entries
}

/** Search domains, and ndots: a name with that many dots is queried as is first. */
export type Search = { readonly domains: readonly string[]; readonly dots: number }

export function parseSearch(text: string): Search {
  let domains: string[] = []
  let dots = 1
  for (const line of text.split('\n')) {
    const [word, ...rest] = line.trim().split(/\s+/)
    if (word === 'search' || word === 'domain') domains = rest
    if (word === 'options') {
      const found = rest.map((option) => /^ndots:(\d+)$/.exec(option)?.[1])
      dots = Number(found.findLast((value) => value !== undefined) ?? dots)
    }
  }
  return { domains, dots }
}

export function searchOrder(name: string, { domains, dots }: Search): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)]
  const longer = domains.map((domain) => `${name}.${domain.replace(/\.$/, '')}`)
  const isLong = name.split('.').length - 1 >= dots
  return isLong ? [name, ...longer] : [...longer, name]
}

/** Caches a parsed file until its modification time changes; a missing file counts as empty. */
function cacheFile<T>(path: string, parse: (text: string) => T): () => T {
  let changedAt: number | undefined
  let kept: T | undefined
  return () => {
    const changed = statSync(path, { throwIfNoEntry: false })?.mtimeMs
    if (kept !== undefined && changed === changedAt) return kept
    changedAt = changed
    return (kept = parse(changed === undefined ? '' : readFileSync(path, 'utf8')))
  }
}
