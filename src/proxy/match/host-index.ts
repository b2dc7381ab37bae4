import {
  changeKey,
  findPrefixes,
  findSuffixes,
  valueOf,
  type Prefix,
  type PrefixTree,
} from '../../lib/prefix-tree.ts'

/** Values by host pattern. */
export type HostIndex<Value extends object> = {
  /** For every host. */
  readonly any: Value | undefined
  readonly anyPort: Patterns<Value> | undefined
  /** By port in decimal. */
  readonly byPort: PrefixTree<Patterns<Value>>
}

type Patterns<Value extends object> = {
  readonly exact: PrefixTree<Value>
  /** `*.example.com` as `moc.elpmaxe.`. */
  readonly suffixes: PrefixTree<Value>
  /** `example.*` as `example.`. */
  readonly prefixes: PrefixTree<Value>
}

/** A host pattern; an empty name is every host. */
export type HostKey = { readonly name: string; readonly port: string }

const anyHost: readonly HostKey[] = [{ name: '', port: '' }]

export function hostKeysOf(hosts: readonly string[] | null): Iterable<HostKey> {
  if (hosts === null || hosts.length === 0) return anyHost
  return new Map(hosts.map(parseHost)).values()
}

function parseHost(pattern: string): [string, HostKey] {
  const [name = '', digits] = pattern.toLowerCase().split(':', 2)
  const port = digits === undefined ? '' : String(Number(digits))
  return [`${name}:${port}`, { name, port }]
}

export const emptyHosts: HostIndex<never> = {
  any: undefined,
  anyPort: undefined,
  byPort: undefined,
}

/** The index with another value of a key; undefined is no value. */
export function changeHost<Value extends object>(
  { any, anyPort, byPort }: HostIndex<Value>,
  { name, port }: HostKey,
  change: (value: Value | undefined) => Value | undefined,
): HostIndex<Value> {
  if (name === '') return { any: change(any), anyPort, byPort }
  if (port === '') return { any, anyPort: changePattern(anyPort, name, change), byPort }
  return {
    any,
    anyPort,
    byPort: changeKey(byPort, port, (patterns) => changePattern(patterns, name, change)),
  }
}

function changePattern<Value extends object>(
  patterns: Patterns<Value> | undefined,
  name: string,
  change: (value: Value | undefined) => Value | undefined,
): Patterns<Value> | undefined {
  let { exact, suffixes, prefixes } = patterns ?? empty
  if (name.startsWith('*')) suffixes = changeKey(suffixes, reverse(name.slice(1)), change)
  else if (name.endsWith('*')) prefixes = changeKey(prefixes, name.slice(0, -1), change)
  else exact = changeKey(exact, name, change)
  return (exact ?? suffixes ?? prefixes) ? { exact, suffixes, prefixes } : undefined
}

const empty = { exact: undefined, suffixes: undefined, prefixes: undefined }

/** By code, as the tree is searched. */
const reverse = (name: string): string => name.split('').reverse().join('')

/** Appends the values of all matching patterns to `found`. */
export function findHosts<Value extends object>(
  { any, anyPort, byPort }: HostIndex<Value>,
  host: string,
  port: number,
  found: Value[],
): void {
  if (anyPort !== undefined) findIn(anyPort, host, found)
  if (byPort !== undefined) {
    const ofPort = valueOf(byPort, String(port))
    if (ofPort !== undefined) findIn(ofPort, host, found)
  }
  if (any !== undefined) found.push(any)
}

function findIn<Value extends object>(
  { exact, suffixes, prefixes }: Patterns<Value>,
  host: string,
  found: Value[],
): void {
  const value = valueOf(exact, host)
  if (value !== undefined) found.push(value)
  if (suffixes !== undefined) pushWildcards(findSuffixes(suffixes, host), host, found)
  if (prefixes !== undefined) pushWildcards(findPrefixes(prefixes, host), host, found)
}

/** A wildcard is at least one character. */
function pushWildcards<Value>(
  longest: Prefix<Value> | undefined,
  host: string,
  found: Value[],
): void {
  for (let prefix = longest; prefix !== undefined; prefix = prefix.shorter)
    if (prefix.length < host.length) found.push(prefix.value)
}
