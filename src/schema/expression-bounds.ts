import type { Expression, Predicate } from '../lib/expression.ts'
import { linearRegex } from '../lib/linear-regex.ts'

/** Names that an expression can match, in lower case: all, one, or those with a start or an end. */
export type NameBound = {
  readonly kind: 'any' | 'exact' | 'prefix' | 'suffix'
  readonly text: string
}

/** A part of all traffic. */
export type Bound = {
  readonly name: NameBound
  /** Prefix of every place; '' matches any. */
  readonly place: string
}

/** The fields that are read: a host name, and a path or a port. A port is the place `80:`. */
export type BoundFields = { readonly name: string; readonly place: string }

export const httpBounds: BoundFields = { name: 'http.host', place: 'http.path' }
export const streamBounds: BoundFields = { name: 'tls.sni', place: 'net.dst.port' }

const anyName: NameBound = { kind: 'any', text: '' }
const everything: Bound = { name: anyName, place: '' }

/** Beyond this number, an expression counts as unbounded, or has the bounds of one of its conditions. */
const maxBounds = 1_024

/**
 * Parts of all traffic outside of which an expression matches nothing, and none when it matches nothing at all. Within them
 * it need not match. Negations, and operators and fields that are not listed here, bound nothing.
 */
export function boundsOf(expression: Expression, fields: BoundFields): readonly Bound[] {
  switch (expression.kind) {
    case 'predicate':
      return [boundOf(expression, fields)]
    case 'not':
      return [everything]
    case 'or':
      return unite(expression.parts.flatMap((part) => boundsOf(part, fields)))
    case 'and':
      return expression.parts.map((part) => boundsOf(part, fields)).reduce(intersect)
  }
}

function boundOf(predicate: Predicate, fields: BoundFields): Bound {
  if (predicate.field === fields.name) return { name: readName(predicate), place: '' }
  if (predicate.field === fields.place) return { name: anyName, place: readPlace(predicate) }
  return everything
}

function readName({ operator, literal }: Predicate): NameBound {
  const text = literal.kind === 'string' ? literal.text.toLowerCase() : ''
  const kind = nameKinds[operator]
  return text === '' || kind === undefined ? anyName : { kind, text }
}

const nameKinds: Readonly<Record<string, NameBound['kind']>> = {
  '==': 'exact',
  '^=': 'prefix',
  '=^': 'suffix',
}

function readPlace({ operator, literal, lower }: Predicate): string {
  if (literal.kind === 'int') return operator === '==' ? `${literal.number}:` : ''
  if (literal.kind !== 'string') return ''
  if (operator === '==' || operator === '^=') return lower ? caseless(literal.text) : literal.text
  if (operator !== '~' || lower) return ''
  const regex = linearRegex(literal.text)
  return regex.isAnchored ? regex.literal : ''
}

/** The start that has the same code units in either letter case. */
const caseless = (text: string): string => /^[!-@[-`{-~]*/.exec(text)?.[0] ?? ''

function unite(bounds: readonly Bound[]): readonly Bound[] {
  const byKey = new Map(bounds.map((bound) => [keyOf(bound), bound]))
  if (byKey.size > maxBounds || byKey.has(keyOf(everything))) return [everything]
  return [...byKey.values()]
}

const keyOf = ({ name, place }: Bound): string => `${name.kind} ${name.text}\0${place}`

function intersect(some: readonly Bound[], others: readonly Bound[]): readonly Bound[] {
  if (isEverything(some)) return others
  if (isEverything(others) || some.length * others.length > maxBounds) return some
  return unite(
    some.flatMap((one) =>
      others.flatMap((other) => {
        const name = intersectNames(one.name, other.name)
        const place = one.place.startsWith(other.place) ? one.place : other.place
        return name !== undefined && place.startsWith(one.place) ? [{ name, place }] : []
      }),
    ),
  )
}

const isEverything = ([first]: readonly Bound[]): boolean =>
  first !== undefined && keyOf(first) === keyOf(everything)

/** One of two bounds that hold both; undefined when no name is in both. */
function intersectNames(a: NameBound, b: NameBound): NameBound | undefined {
  if (a.kind === 'any') return b
  if (b.kind === 'any') return a
  if (a.kind === 'exact') return isWithin(a.text, b) ? a : undefined
  if (b.kind === 'exact') return isWithin(b.text, a) ? b : undefined
  return a.text.length >= b.text.length ? a : b
}

function isWithin(name: string, { kind, text }: NameBound): boolean {
  if (kind === 'prefix') return name.startsWith(text)
  return kind === 'suffix' ? name.endsWith(text) : name === text
}
