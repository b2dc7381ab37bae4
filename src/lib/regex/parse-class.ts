import { foldedOf, namedSets, negationOf, unionOf, type CharSet } from './char-set.ts'
import { parseEscapedSet } from './parse-escape.ts'
import type { Reader } from './reader.ts'

/** Parses a class whose opening bracket has been read. As in Perl, a ] in the first place stands for itself. */
export function parseClass(reader: Reader, ignoreCase: boolean): CharSet {
  const isNegated = reader.take('^')
  const pairs: number[] = []
  for (let isFirst = true; isFirst || !reader.take(']'); isFirst = false) {
    const low = parseMember(reader)
    if (isOne(low) && reader.sees('-') && !reader.sees('-]')) {
      reader.take('-')
      const high = parseMember(reader)
      if (!isOne(high)) reader.refuse('a range ends in more than one character')
      if (high[0] < low[0]) reader.refuse('a range ends before it begins')
      pairs.push(low[0], high[0])
    } else pairs.push(...low)
  }
  const set = unionOf(pairs)
  const folded = ignoreCase ? foldedOf(set) : set
  return isNegated ? negationOf(folded) : folded
}

function parseMember(reader: Reader): CharSet {
  const named = reader.match(/\[:(\^?)([a-z]*):\]/y)
  if (named !== undefined) {
    const set = namedSets[named[2] ?? '']
    if (set === undefined) return reader.refuse(`${named[0]} is not known`)
    return named[1] === '' ? set : negationOf(set)
  }
  if (reader.take('\\')) return reader.take('b') ? [0x08, 0x08] : parseEscapedSet(reader)
  const point = reader.next()
  return [point, point]
}

const isOne = (set: CharSet): set is readonly [number, number] =>
  set.length === 2 && set[0] === set[1]
