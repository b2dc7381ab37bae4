import {
  escapedSets,
  foldCase,
  maxCodePoint,
  namedSets,
  negate,
  union,
  type CharSet,
} from './char-set.ts'
import type { Reader } from './reader.ts'
import type { Assertion } from './syntax.ts'

/** Parses a class after its opening bracket. As in Perl, a ] in the first position is literal. */
export function parseClass(reader: Reader, ignoreCase: boolean): CharSet {
  const isNegated = reader.take('^')
  const pairs: number[] = []
  for (let isFirst = true; isFirst || !reader.take(']'); isFirst = false) {
    const low = parseMember(reader)
    if (isOne(low) && reader.sees('-') && !reader.sees('-]')) {
      reader.take('-')
      const high = parseMember(reader)
      if (!isOne(high)) reader.fail('a class range must end in one character')
      if (high[0] < low[0]) reader.fail('the class range is out of order')
      pairs.push(low[0], high[0])
    } else pairs.push(...low)
  }
  const set = union(pairs)
  const folded = ignoreCase ? foldCase(set) : set
  return isNegated ? negate(folded) : folded
}

function parseMember(reader: Reader): CharSet {
  const named = reader.sees('[:') ? reader.match(/\[:(\^?)([a-z]*):\]/y) : undefined
  if (named !== undefined) {
    const set = namedSets[named[2] ?? '']
    if (set === undefined) return reader.fail(`${named[0]} is not a known class`)
    return named[1] === '' ? set : negate(set)
  }
  if (reader.take('\\')) return reader.take('b') ? [0x08, 0x08] : parseEscapedSet(reader)
  const point = reader.next()
  return [point, point]
}

const isOne = (set: CharSet): set is readonly [number, number] =>
  set.length === 2 && set[0] === set[1]

export type Escape = { readonly set: CharSet } | { readonly assertion: Assertion }

const assertions: Readonly<Record<string, Assertion>> = {
  A: 'start',
  z: 'end',
  Z: 'end',
  b: 'boundary',
  B: 'inside',
}

const controls: Readonly<Record<string, number>> = {
  '0': 0x00,
  a: 0x07,
  e: 0x1b,
  f: 0x0c,
  n: 0x0a,
  r: 0x0d,
  t: 0x09,
  v: 0x0b,
}

/** Parses an escape, after its backslash, outside of brackets. */
export function parseEscape(reader: Reader): Escape {
  const assertion = assertions[reader.peek()]
  if (assertion === undefined) return { set: parseEscapedSet(reader) }
  reader.next()
  return { assertion }
}

/** Parses an escape, after its backslash, where only characters are allowed. */
export function parseEscapedSet(reader: Reader): CharSet {
  const letter = reader.peek()
  const set = escapedSets[letter]
  if (set !== undefined) {
    reader.next()
    return set
  }
  const point = parseEscapedPoint(reader)
  return [point, point]
}

function parseEscapedPoint(reader: Reader): number {
  const hex = reader.match(/(?:x|u)\{([0-9a-f]{1,6})\}|x([0-9a-f]{2})|u([0-9a-f]{4})/iy)
  if (hex !== undefined) {
    const point = Number.parseInt(hex[1] ?? hex[2] ?? hex[3] ?? '', 16)
    if (point > maxCodePoint) reader.fail('the code point is greater than 10FFFF')
    return point
  }
  const letter = reader.peek()
  if (/[1-9kg]/.test(letter)) reader.fail('back-references are not supported')
  if (/[pP]/.test(letter)) reader.fail(String.raw`\p{…} is not supported; list the characters`)
  const control = controls[letter]
  if (control === undefined && /[a-z\d]/i.test(letter))
    reader.fail(`\\${letter} is not a known escape`)
  const point = reader.next()
  return control ?? point
}
