import { Problem } from './problem.ts'
import { compileSteps, type Steps } from './regex/compile-steps.ts'
import { findGroups } from './regex/find-groups.ts'
import { openRecognizer, type Recognizer } from './regex/open-recognizer.ts'
import { parseRegex } from './regex/parse-regex.ts'
import { Reader } from './regex/reader.ts'
import { certainStart, sizeOf, type Parsed } from './regex/syntax.ts'

/** What a match found. A group that took no part is undefined by number, and absent by name. */
export type RegexMatch = {
  readonly start: number
  readonly end: number
  /** The whole match, then each group. */
  readonly groups: readonly (string | undefined)[]
  readonly named: Readonly<Record<string, string>>
}

/** A regular expression whose time grows only in proportion to the text, whatever expression and text are. */
export type LinearRegex = {
  readonly source: string
  /** The characters with which every match begins, as far as they are certain. */
  readonly literal: string
  /** Whether it matches anywhere, or from the start of the text when anchored. */
  test(text: string): boolean
  /** Where the match from the start of the text ends, or -1; for anchored expressions. */
  endOf(text: string): number
  /** The first match with its groups. */
  exec(text: string): RegexMatch | undefined
}

/** How an expression is to be read. */
export type RegexOptions = {
  /** Letters match in both cases, as after `(?i)`. */
  readonly ignoreCase?: boolean
  /** Matches at the start of the text only. */
  readonly anchored?: boolean
  /** What it is, for the sentence of a refusal. */
  readonly name?: string
}

/** Each character of a text costs at most one visit to each step. */
const mostSteps = 2_000

/**
 * Compiles an expression that came from configuration; the only door for those. The syntax is what Rust's engine, which
 * Kong's own router uses, has in common with Perl and JavaScript: no look-around, no back-references, ASCII `\d`, `\w`
 * and `\b`, `$` at the very end. Throws a Problem that names the place of what it refuses. Runs in a browser too.
 */
export function linearRegex(source: string, options: RegexOptions = {}): LinearRegex {
  let opened: Opened | undefined
  const open = (): Opened => (opened ??= openExpression(source, options))
  return {
    source,
    literal: certainStart(parseChecked(source, options).syntax),
    test: (text) => open().recognizer.test(text),
    endOf: (text) => open().recognizer.endOf(text),
    exec(text) {
      const { steps, recognizer, names } = open()
      if (!recognizer.test(text)) return undefined
      const places = findGroups(steps, text, options.anchored === true)
      return places && matchOf(text, places, names)
    },
  }
}

function parseChecked(source: string, { ignoreCase = false, name = '' }: RegexOptions): Parsed {
  const parsed = parseRegex(new Reader(source, name), ignoreCase)
  if (sizeOf(parsed.syntax) > mostSteps) {
    const sentence = `has more than ${mostSteps} steps once its repetitions are written out`
    throw new Problem('regex.size', 400, `${name || 'it'} ${sentence}`)
  }
  return parsed
}

type Opened = {
  readonly steps: Steps
  readonly recognizer: Recognizer
  readonly names: Parsed['names']
}

/** Done at the first use, from the source again: of many expressions in a configuration few may ever meet a text, and a parsed one is large. */
function openExpression(source: string, options: RegexOptions): Opened {
  const parsed = parseChecked(source, options)
  const steps = compileSteps(parsed)
  const literal = certainStart(parsed.syntax)
  const recognizer = openRecognizer(steps, options.anchored === true, literal)
  return { steps, recognizer, names: parsed.names }
}

function matchOf(
  text: string,
  places: readonly number[],
  names: ReadonlyMap<string, number>,
): RegexMatch {
  const groups = Array.from({ length: places.length / 2 }, (_, group) => {
    const start = places[2 * group] as number
    const end = places[2 * group + 1] as number
    return start < 0 || end < 0 ? undefined : text.slice(start, end)
  })
  const named: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, group] of names) {
    const caught = groups[group]
    if (caught !== undefined) named[name] = caught
  }
  return { start: places[0] as number, end: places[1] as number, groups, named }
}

/** Why an expression would be refused, or undefined. */
export function regexComplaint(source: string): string | undefined {
  try {
    linearRegex(source)
    return undefined
  } catch (error) {
    if (error instanceof Problem) return error.message
    throw error
  }
}
