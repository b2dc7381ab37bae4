import { foldCase, negate, type CharSet } from './char-set.ts'
import { parseClass } from './parse-class.ts'
import { parseEscape } from './parse-class.ts'
import type { Reader } from './reader.ts'
import type { Parsed, Syntax } from './syntax.ts'

type Flags = { readonly ignoreCase: boolean; readonly dotAll: boolean; readonly lines: boolean }

type Parsing = {
  readonly reader: Reader
  readonly names: Map<string, number>
  groups: number
  flags: Flags
  depth: number
}

const maxDepth = 200

/** Parses the syntax common to Perl, Rust and JavaScript; rejects, with the position, what cannot be matched in linear time. */
export function parseRegex(reader: Reader, ignoreCase: boolean): Parsed {
  const flags = { ignoreCase, dotAll: false, lines: false }
  const parsing: Parsing = { reader, names: new Map(), groups: 0, flags, depth: 0 }
  const syntax = parseChoice(parsing)
  if (!reader.ended) reader.fail('unmatched )')
  return { syntax, groups: parsing.groups, names: parsing.names }
}

function parseChoice(parsing: Parsing): Syntax {
  const { reader, flags } = parsing
  if (++parsing.depth > maxDepth) reader.fail(`groups are nested deeper than ${maxDepth}`)
  const options = [parseSequence(parsing)]
  while (reader.take('|')) options.push(parseSequence(parsing))
  // Flags set inside a group end with it.
  parsing.flags = flags
  parsing.depth -= 1
  return options.length === 1 ? (options[0] as Syntax) : { kind: 'choice', options }
}

function parseSequence(parsing: Parsing): Syntax {
  const { reader } = parsing
  const parts: Syntax[] = []
  while (!sequenceEnds.has(reader.peek())) {
    const part = parseAtom(parsing)
    if (part !== undefined) parts.push(parseRepeat(reader, part))
  }
  return parts.length === 1 ? (parts[0] as Syntax) : { kind: 'sequence', parts }
}

const sequenceEnds: ReadonlySet<string> = new Set(['', '|', ')'])

/** Returns undefined after inline flags such as `(?i)`, which match nothing. */
function parseAtom(parsing: Parsing): Syntax | undefined {
  const { reader, flags } = parsing
  const mark = reader.peek()
  switch (mark) {
    case '(':
      reader.skip()
      return parseGroup(parsing)
    case '[':
      reader.skip()
      return setOf(parseClass(reader, flags.ignoreCase), false)
    case '.':
      reader.skip()
      return setOf(flags.dotAll ? negate([]) : notLineFeed, false)
    case '^':
      reader.skip()
      return { kind: 'assertion', assertion: flags.lines ? 'line-start' : 'start' }
    case '$':
      reader.skip()
      return { kind: 'assertion', assertion: flags.lines ? 'line-end' : 'end' }
    case '\\':
      reader.skip()
      return parseEscaped(parsing)
    default: {
      if ('*+?'.includes(mark)) reader.fail(`${mark} has nothing to repeat`)
      const point = reader.next()
      return setOf([point, point], flags.ignoreCase)
    }
  }
}

function parseEscaped({ reader, flags }: Parsing): Syntax {
  const escape = parseEscape(reader)
  return 'assertion' in escape
    ? { kind: 'assertion', assertion: escape.assertion }
    : setOf(escape.set, flags.ignoreCase)
}

const notLineFeed: CharSet = negate([0x0a, 0x0a])

const setOf = (set: CharSet, ignoreCase: boolean): Syntax => ({
  kind: 'set',
  set: ignoreCase ? foldCase(set) : set,
})

function parseGroup(parsing: Parsing): Syntax | undefined {
  const { reader } = parsing
  if (!reader.take('?')) return parseNumbered(parsing, ++parsing.groups)
  for (const mark of ['=', '!', '<=', '<!', '>', '|'])
    if (reader.take(mark)) reader.fail(`(?${mark}…) is not supported`)
  if (reader.take('P<') || reader.take('<')) {
    const index = ++parsing.groups
    const name = reader.until('>')
    if (!/^[A-Za-z_]\w*$/.test(name)) reader.fail(`'${name}' is not a valid group name`)
    if (parsing.names.has(name)) reader.fail(`duplicate group name '${name}'`)
    parsing.names.set(name, index)
    return parseNumbered(parsing, index)
  }
  const outer = parsing.flags
  parsing.flags = parseFlags(parsing)
  if (reader.take(')')) return undefined
  if (!reader.take(':')) reader.fail('(? must be followed by one of : < P< i m s -')
  const inner = parseChoice(parsing)
  parsing.flags = outer
  if (!reader.take(')')) reader.fail('unclosed (')
  return inner
}

function parseNumbered(parsing: Parsing, index: number): Syntax {
  const inner = parseChoice(parsing)
  if (!parsing.reader.take(')')) parsing.reader.fail('unclosed (')
  return { kind: 'group', index, inner }
}

function parseFlags({ reader, flags }: Parsing): Flags {
  const found = { ...flags }
  for (let isOn = true; ;) {
    if (reader.take('-')) isOn = false
    else if (reader.take('i')) found.ignoreCase = isOn
    else if (reader.take('s')) found.dotAll = isOn
    else if (reader.take('m')) found.lines = isOn
    else return found
  }
}

function parseRepeat(reader: Reader, inner: Syntax): Syntax {
  const times = parseTimes(reader)
  if (times === undefined) return inner
  const [min, max] = times
  const lazy = reader.take('?')
  if (!lazy && reader.take('+')) reader.fail('possessive quantifiers are not supported')
  if (parseTimes(reader) !== undefined) reader.fail('a quantifier follows a quantifier')
  return { kind: 'repeat', inner, min, max, lazy }
}

function parseTimes(reader: Reader): readonly [number, number] | undefined {
  switch (reader.peek()) {
    case '*':
      reader.skip()
      return [0, Infinity]
    case '+':
      reader.skip()
      return [1, Infinity]
    case '?':
      reader.skip()
      return [0, 1]
    case '{':
      return parseCounted(reader)
    default:
      return undefined
  }
}

/** A brace that is not a quantifier is literal. */
function parseCounted(reader: Reader): readonly [number, number] | undefined {
  const counted = reader.match(/\{(?:(\d{1,6})|(\d{0,6}),(\d{0,6}))\}/y)
  if (counted === undefined) return undefined
  const [text, exact, from = '', to = ''] = counted
  if (text === '{,}') return reader.back(3)
  const min = Number(exact ?? from)
  const max = Number(exact ?? (to === '' ? Infinity : to))
  if (max < min) reader.fail(`in {${min},${max}} the minimum is greater than the maximum`)
  return [min, max]
}
