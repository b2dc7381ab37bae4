import { everySteps, type CooperativeTask } from './cooperative-task.ts'
import { Problem } from './problem.ts'

export type JsonLimits = {
  /** Levels of lists and objects. */
  readonly depth: number
  /** Members and elements of all lists and objects together. */
  readonly values: number
  /** Members of one object. */
  readonly members: number
  /** Characters of one text or number, as written. */
  readonly characters: number
}

/**
 * Parses JSON with the result of JSON.parse and may be suspended between values: JSON.parse holds the event loop for
 * more than a second on a text of 64 MiB. Throws a SyntaxError for invalid JSON and for the name `__proto__`, and a
 * Problem 400 beyond the limits.
 */
export function* parseJsonTask(text: string, limits: JsonLimits): CooperativeTask<unknown> {
  const reader = openReader(text, limits)
  const value = yield* readValue(reader, 0)
  if (reader.peek() !== '') throw reader.unexpected()
  return value
}

type Reader = ReturnType<typeof openReader>

function* readValue(reader: Reader, level: number): CooperativeTask<unknown> {
  const first = reader.peek()
  if (first === '[') return yield* readList(reader, level + 1)
  if (first === '{') return yield* readObject(reader, level + 1)
  return reader.scalar()
}

function* readList(reader: Reader, level: number): CooperativeTask<unknown[]> {
  reader.enter('[', level)
  const list: unknown[] = []
  for (let isMore = !reader.takeIf(']'); isMore; isMore = reader.continues(']')) {
    yield* reader.countValue()
    list.push(reader.isScalar() ? reader.scalar() : yield* readValue(reader, level))
  }
  return list
}

function* readObject(reader: Reader, level: number): CooperativeTask<Record<string, unknown>> {
  reader.enter('{', level)
  const object: Record<string, unknown> = {}
  let members = 0
  for (let isMore = !reader.takeIf('}'); isMore; isMore = reader.continues('}')) {
    yield* reader.countValue()
    reader.checkMembers((members += 1))
    const name = reader.text()
    if (name === '__proto__') throw new SyntaxError('__proto__ is not a name')
    reader.expect(':')
    object[name] = reader.isScalar() ? reader.scalar() : yield* readValue(reader, level)
  }
  return object
}

function openReader(text: string, limits: JsonLimits) {
  const whitespace = /[ \t\n\r]*/y
  const literal = /true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
  let at = 0
  let values = 0
  const pause = everySteps(500)

  const peek = (): string => {
    const character = text[at]
    if (character !== undefined && character > ' ') return character
    whitespace.lastIndex = at
    whitespace.test(text)
    at = whitespace.lastIndex
    return text[at] ?? ''
  }
  const takeIf = (character: string): boolean => {
    if (peek() !== character) return false
    at += 1
    return true
  }
  const expect = (character: string): void => {
    if (!takeIf(character)) throw unexpected()
  }
  const unexpected = (): SyntaxError =>
    new SyntaxError(`unexpected ${at < text.length ? 'character' : 'end'} at position ${at}`)
  /** Parses the token that ends before `end`. */
  const parseToken = (end: number): unknown => {
    if (end - at > limits.characters)
      throw beyond(`A string in a body has at most ${limits.characters} characters.`)
    const value: unknown = JSON.parse(text.slice(at, end))
    at = end
    return value
  }
  const readText = (): string => {
    if (peek() !== '"') throw unexpected()
    let quote = text.indexOf('"', at + 1)
    while (quote >= 0 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1)
    if (quote < 0) throw new SyntaxError('a string does not end')
    return parseToken(quote + 1) as string
  }
  return {
    peek,
    takeIf,
    expect,
    unexpected,
    text: readText,
    enter(opener: string, level: number): void {
      expect(opener)
      if (level > limits.depth) throw beyond(`A body has at most ${limits.depth} levels.`)
    },
    /** Whether another element follows; takes the comma before it or the end. */
    continues(closer: string): boolean {
      if (takeIf(',')) return true
      expect(closer)
      return false
    },
    isScalar: (): boolean => !['[', '{'].includes(peek()),
    scalar(): unknown {
      if (peek() === '"') return readText()
      literal.lastIndex = at
      if (!literal.test(text)) throw unexpected()
      return parseToken(literal.lastIndex)
    },
    countValue(): CooperativeTask<void> {
      values += 1
      if (values > limits.values) throw beyond(`A body has at most ${limits.values} values.`)
      return pause()
    },
    checkMembers(count: number): void {
      if (count > limits.members)
        throw beyond(`An object of a body has at most ${limits.members} members.`)
    },
  }
}

/** Whether an odd number of backslashes precedes a quote. */
function isEscaped(text: string, quote: number): boolean {
  let before = quote - 1
  while (text[before] === '\\') before -= 1
  return (quote - before) % 2 === 0
}

const beyond = (because: string): Problem =>
  new Problem('json.limit', 400, 'Cannot parse JSON body', { detail: { because } })
