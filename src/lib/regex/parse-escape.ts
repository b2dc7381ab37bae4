import { escapedSets, type CharSet } from './char-set.ts'
import type { Reader } from './reader.ts'
import type { Look } from './syntax.ts'

/** What an escape means: characters, or a condition on the place. */
export type Escape = { readonly set: CharSet } | { readonly look: Look }

const looks: Readonly<Record<string, Look>> = {
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

/** Parses what follows a backslash outside of brackets. */
export function parseEscape(reader: Reader): Escape {
  const look = looks[reader.peek()]
  if (look === undefined) return { set: parseEscapedSet(reader) }
  reader.next()
  return { look }
}

/** Parses what follows a backslash where only characters may stand. */
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
    if (point > 0x10_ffff) reader.refuse('there is no character of that number')
    return point
  }
  const letter = reader.peek()
  if (/[1-9kg]/.test(letter)) reader.refuse('a back-reference cannot be matched in linear time')
  if (/[pP]/.test(letter)) reader.refuse(String.raw`\p{…} is not known; name the characters`)
  const control = controls[letter]
  if (control === undefined && /[a-z\d]/i.test(letter)) reader.refuse(`\\${letter} is not known`)
  const point = reader.next()
  return control ?? point
}
