import { normalizePath } from '../../src/lib/normalize-path.ts'
import type { RequestHead } from '../../src/proxy/exchange.ts'

/** Numbers in [0, 1). */
type Random = () => number

type Value = string | number

/** An expression as it is written. */
export type Tree =
  | {
      readonly field: string
      readonly functions: readonly string[]
      readonly operator: string
      readonly literal: Value
    }
  /** `all` of some alternatives each, in parentheses unless it is the whole. */
  | { readonly all: readonly (readonly Tree[])[]; readonly isNegated: boolean }

const trees = new Map<string, Tree>()

/** The text of an expression that requests of `randomRequest` can match; `treeOf` has what was written. */
export function randomExpression(random: Random): string {
  const tree = randomAll(random, 0)
  const text = renderWhole(tree, () => (random() < 0.9 ? ' ' : ''))
  trees.set(text, tree)
  return text
}

export function treeOf(text: string): Tree {
  const tree = trees.get(text)
  if (tree === undefined) throw new Error(`not a random expression: ${text}`)
  return tree
}

function randomAll(random: Random, depth: number): Tree {
  const alternatives = (): Tree[] =>
    times(1 + random() * random() * 4, () =>
      depth < 3 && random() < 0.25 ? randomAll(random, depth + 1) : randomPredicate(random),
    )
  return { all: times(1 + random() * 3, alternatives), isNegated: depth > 0 && random() < 0.3 }
}

const texts: Readonly<Record<string, readonly string[]>> = {
  'http.path': ['/', '/a', '/a/', '/a/b', '/ab', '/b', '/x', '/é', '/A', 'b', ''],
  'http.host': ['a.com', 'x.a.com', 'b.com', 'A.com', '.a.com', '.com', 'a.', 'x.', 'com', '*', ''],
  'http.method': ['GET', 'POST', 'PUT', 'get'],
  'net.protocol': ['http', 'https', 'tcp'],
  'tls.sni': ['a.com', 'x.a.com', '.com', 'x.'],
  'http.headers.x_v': ['1', '2', '9', ''],
  'http.headers.X_W': ['on', 'Onward', 'On'],
  'http.queries.a': ['1', '2', ''],
  'http.queries.b': ['x y', 'ann', 'b', ''],
  'http.path.segments.0': ['a', 'b', 'ab'],
  'http.path.segments.2': ['a', 'x'],
  'http.path.segments.0_1': ['a/b', 'a', 'x/12'],
}

const regexes = [
  '^/a',
  '^/a/[ab]+',
  'b$',
  '^(a|x)',
  '.',
  'on',
  '(?i)ON',
  '^/(?P<kind>[ab]+)/(.)',
  '^',
]

function randomPredicate(random: Random): Tree {
  const kind = random()
  if (kind < 0.1) {
    const isBlock = random() < 0.6
    return {
      field: pick(random, ['net.src.ip', 'net.dst.ip']),
      functions: [],
      operator: pick(random, isBlock ? ['in', 'not in'] : ['==', '!=']),
      literal: pick(random, isBlock ? blocks : ['10.0.0.1', '10.0.0.9', 'fd00:0::1']),
    }
  }
  if (kind < 0.2) {
    return {
      field: pick(random, ['net.src.port', 'net.dst.port', 'net.port', 'http.path.segments.len']),
      functions: random() < 0.2 ? ['any'] : [],
      operator: pick(random, ['==', '!=', '>', '>=', '<', '<=']),
      literal: pick(random, [80, 8000, 5000, 0, 1, 2, 3, -1]),
    }
  }
  const field =
    random() < 0.5 ? pick(random, ['http.path', 'http.host']) : pick(random, Object.keys(texts))
  const isRegex = random() < 0.15
  return {
    field,
    functions:
      random() < 0.3 ? pick(random, [['lower'], ['any'], ['any', 'lower'], ['lower', 'any']]) : [],
    operator: isRegex ? '~' : pick(random, ['==', '==', '!=', '^=', '^=', '=^', 'contains']),
    literal: pick(random, isRegex ? regexes : (texts[field] as readonly string[])),
  }
}

const blocks = ['10.0.0.0/24', '10.0.0.0/8', '0.0.0.0/0', '::/0', 'fd00::/16', '10.0.0.1/32']

type Space = () => string

/** `space` is put where the language needs none. */
function renderWhole(tree: Tree, space: Space): string {
  if (!('all' in tree)) return renderPredicate(tree, space)
  return tree.all
    .map((any) => any.map((one) => render(one, space)).join(`${space()}||${space()}`))
    .join(`${space()}&&${space()}`)
}

function render(tree: Tree, space: Space): string {
  const text = renderWhole(tree, space)
  return 'all' in tree
    ? `${tree.isNegated ? `!${space()}` : ''}(${space()}${text}${space()})`
    : text
}

function renderPredicate(tree: Exclude<Tree, { readonly all: unknown }>, space: Space): string {
  const { field, functions, operator, literal } = tree
  const left = functions.reduceRight((inner, name) => `${name}(${space()}${inner})`, field)
  const isWord = /[a-z]/.test(operator)
  const between = isWord ? ' ' : space()
  return `${left}${between}${operator}${between}${renderLiteral(literal, operator)}`
}

function renderLiteral(literal: Value, operator: string): string {
  if (typeof literal === 'number')
    return literal === 80 ? '0x50' : literal === 8000 ? '017500' : `${literal}`
  if (operator.endsWith('in') || /^(\d+\.){3}|::/.test(literal)) return literal
  return literal.length % 2 === 0 ? `r#"${literal}"#` : `"${literal.replaceAll('\\', '\\\\')}"`
}

/** The match of an expression; undefined when it does not match. */
export function matchSlowly(
  tree: Tree,
  request: RequestHead,
): { readonly pattern: string; readonly covered: number } | undefined {
  const found = { pattern: '', covered: 0 }
  const holds = (one: Tree, isRecorded: boolean): boolean => {
    if (!('all' in one)) return comparesSlowly(one, request, isRecorded ? found : undefined)
    const isSo = one.all.every((any) =>
      any.some((inner) => holds(inner, isRecorded && !one.isNegated)),
    )
    return isSo !== one.isNegated
  }
  return holds(tree, true) ? found : undefined
}

function comparesSlowly(
  { field, functions, operator, literal }: Exclude<Tree, { readonly all: unknown }>,
  request: RequestHead,
  found: { pattern: string; covered: number } | undefined,
): boolean {
  const isName = field === 'http.host' || field === 'tls.sni'
  const values = valuesSlowly(field, request).map((value) =>
    functions.includes('lower') && typeof value === 'string' ? value.toLowerCase() : value,
  )
  const wanted = isName && operator !== '~' ? String(literal).toLowerCase() : literal
  const accepts = (value: Value): boolean => {
    if (!compareSlowly(value, operator, wanted, isName)) return false
    if (found !== undefined && field === 'http.path')
      recordSlowly(found, operator, String(wanted), String(value))
    return true
  }
  if (values.length === 0) return false
  return functions.includes('any') ? values.some(accepts) : values.every(accepts)
}

function recordSlowly(
  found: { pattern: string; covered: number },
  operator: string,
  wanted: string,
  path: string,
): void {
  if (operator === '==' || operator === '^=')
    Object.assign(found, { pattern: wanted, covered: wanted.length })
  if (operator !== '~') return
  const match = builtIn(wanted, '').exec(path)
  if (match?.index === 0) Object.assign(found, { pattern: `~${wanted}`, covered: match[0].length })
}

function builtIn(source: string, flags: string): RegExp {
  const isCaseless = source.startsWith('(?i)')
  return new RegExp(source.replace('(?i)', '').replaceAll('(?P<', '(?<'), isCaseless ? 'i' : flags)
}

function compareSlowly(value: Value, operator: string, wanted: Value, isName: boolean): boolean {
  if (typeof wanted === 'number') return compareNumbers[operator]?.(Number(value), wanted) === true
  const text = String(value)
  const other = wanted.replace('fd00:0::', 'fd00::')
  if (operator === '~') return builtIn(other, isName ? 'i' : '').test(text)
  return compareTexts[operator]?.(text, other) === true
}

const compareNumbers: Readonly<Record<string, (value: number, wanted: number) => boolean>> = {
  '==': (value, wanted) => value === wanted,
  '!=': (value, wanted) => value !== wanted,
  '>': (value, wanted) => value > wanted,
  '>=': (value, wanted) => value >= wanted,
  '<': (value, wanted) => value < wanted,
  '<=': (value, wanted) => value <= wanted,
}

const compareTexts: Readonly<Record<string, (value: string, wanted: string) => boolean>> = {
  '==': (value, wanted) => value === wanted,
  '!=': (value, wanted) => value !== wanted,
  '^=': (value, wanted) => value.startsWith(wanted),
  '=^': (value, wanted) => value.endsWith(wanted),
  contains: (value, wanted) => value.includes(wanted),
  in: (value, wanted) => isInBlock(value, wanted),
  'not in': (value, wanted) => !isInBlock(value, wanted),
}

const isInBlock = (address: string, block: string): boolean =>
  ({
    '10.0.0.0/24': /^10\.0\.0\./,
    '10.0.0.0/8': /^10\./,
    '0.0.0.0/0': /\./,
    '::/0': /:/,
    'fd00::/16': /^fd00:/,
    '10.0.0.1/32': /^10\.0\.0\.1$/,
  })[block]?.test(address) === true

function valuesSlowly(field: string, request: RequestHead): readonly Value[] {
  const { connection, clientAddress, headers } = request
  const path = normalizePath(request.path)
  const segments = path.slice(1).replace(/\/+$/, '').split('/')
  if (segments.length === 1 && segments[0] === '') segments.pop()
  const single: Record<string, Value | undefined> = {
    'net.protocol': request.scheme,
    'net.src.ip': clientAddress || undefined,
    'net.src.port':
      connection?.client.address === clientAddress ? connection.client.port : undefined,
    'net.dst.ip': connection?.local.address,
    'net.dst.port': request.port,
    'net.port': request.port,
    'tls.sni': request.serverName,
    'http.method': request.method,
    'http.host': request.host || undefined,
    'http.path': path,
    'http.path.segments.len': segments.length,
    'http.path.segments.0': segments[0],
    'http.path.segments.2': segments[2],
    'http.path.segments.0_1': segments.length > 1 ? segments.slice(0, 2).join('/') : undefined,
  }
  if (field in single) return single[field] === undefined ? [] : [single[field]]
  if (field.startsWith('http.headers.'))
    return headers.all(field.slice(13).toLowerCase().replace('_', '-'))
  return new URLSearchParams(request.query).getAll(field.slice(13))
}

const times = <T>(count: number, make: () => T): T[] =>
  Array.from({ length: Math.floor(count) }, make)

const pick = <T>(random: Random, values: readonly T[]): T =>
  values[Math.floor(random() * values.length)] as T
