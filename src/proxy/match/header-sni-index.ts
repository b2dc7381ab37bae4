import { changeKey, valueIgnoringCase, valueOf, type PrefixTree } from '../../lib/prefix-tree.ts'
import type { RequestHead } from '../exchange.ts'
import type { Matcher } from './compile-matcher.ts'

/** Values by header value or SNI, so that routes that differ in nothing else are found without testing each. */
export type HeaderSniIndex<Value extends object> = {
  /** For every request. */
  readonly any: Value | undefined
  /** By name in lower case, then by value in lower case. */
  readonly headers: PrefixTree<ByText<Value>>
  readonly serverNames: PrefixTree<Value>
  /** For every request without TLS. */
  readonly withoutTls: Value | undefined
}

type ByText<Value extends object> = NonNullable<PrefixTree<Value>>

export type HeaderSniKey =
  | { readonly kind: 'any' }
  | { readonly kind: 'header'; readonly name: string; readonly value: string }
  | { readonly kind: 'server name'; readonly name: string }
  | { readonly kind: 'without TLS' }

const anyKey: readonly HeaderSniKey[] = [{ kind: 'any' }]

/** Index keys of a matcher: the values of its first header without regular expressions, or its SNIs without wildcards. */
export function keysOf({ headers, serverNames }: Matcher<unknown>): readonly HeaderSniKey[] {
  const plain = headers.find(({ regexes }) => regexes.length === 0)
  if (plain !== undefined)
    return [...plain.values].map((value) => ({ kind: 'header', name: plain.name, value }))
  if (serverNames?.exact === undefined) return anyKey
  // Without TLS, SNIs are not checked.
  return [
    { kind: 'without TLS' },
    ...serverNames.exact.map((name) => ({ kind: 'server name', name }) as const),
  ]
}

/** The index with another value of a key; undefined is no value, and an index without values. */
export function changeHeaderSni<Value extends object>(
  index: HeaderSniIndex<Value> | undefined,
  key: HeaderSniKey,
  change: (value: Value | undefined) => Value | undefined,
): HeaderSniIndex<Value> | undefined {
  const next = changePart(index ?? empty, key, change)
  const { any, headers, serverNames, withoutTls } = next
  return (any ?? headers ?? serverNames ?? withoutTls) ? next : undefined
}

const empty = { any: undefined, headers: undefined, serverNames: undefined, withoutTls: undefined }

function changePart<Value extends object>(
  { any, headers, serverNames, withoutTls }: HeaderSniIndex<Value>,
  key: HeaderSniKey,
  change: (value: Value | undefined) => Value | undefined,
): HeaderSniIndex<Value> {
  switch (key.kind) {
    case 'any':
      return { any: change(any), headers, serverNames, withoutTls }
    case 'without TLS':
      return { any, headers, serverNames, withoutTls: change(withoutTls) }
    case 'server name':
      return { any, headers, serverNames: changeKey(serverNames, key.name, change), withoutTls }
    case 'header': {
      const changed = changeKey(headers, key.name, (values) => changeKey(values, key.value, change))
      return { any, headers: changed, serverNames, withoutTls }
    }
  }
}

/** The values for a request beside the one for every request, each once. */
export function findHeaderSni<Value extends object>(
  { headers, serverNames, withoutTls }: HeaderSniIndex<Value>,
  request: RequestHead,
): readonly Value[] {
  if (headers === undefined && withoutTls === undefined && serverNames === undefined) return none
  const found: Value[] = []
  const isOpen = request.scheme !== 'https'
  pushNew(isOpen ? withoutTls : valueOf(serverNames, request.serverName ?? ''), found)
  if (headers === undefined) return found
  const { flat } = request.headers
  for (let at = 0; at < flat.length; at += 2) {
    const values = valueIgnoringCase(headers, flat[at] as string)
    if (values !== undefined)
      pushNew(valueOf(values, (flat[at + 1] as string).toLowerCase()), found)
  }
  return found
}

const none: readonly never[] = []

function pushNew<Value>(value: Value | undefined, found: Value[]): void {
  if (value !== undefined && !found.includes(value)) found.push(value)
}
