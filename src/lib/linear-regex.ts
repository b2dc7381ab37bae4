import { Problem } from './problem.ts'
import { compileNfa, type Nfa } from './regex/compile-nfa.ts'
import { findCaptures } from './regex/find-captures.ts'
import { openLazyDfa, type LazyDfa } from './regex/lazy-dfa.ts'
import { parseRegex } from './regex/parse-regex.ts'
import { Reader } from './regex/reader.ts'
import { literalPrefix, countInstructions, startsAtStart, type Parsed } from './regex/syntax.ts'

/** A group that did not participate is undefined in `groups` and absent from `named`. */
export type RegexMatch = {
  readonly start: number
  readonly end: number
  /** The whole match, then each group. */
  readonly groups: readonly (string | undefined)[]
  readonly named: Readonly<Record<string, string>>
}

/** A regular expression that matches in time linear in the text, for any expression and text. */
export type LinearRegex = {
  readonly source: string
  /** The literal text that every match begins with. */
  readonly literal: string
  /** The number of its instructions. */
  readonly size: number
  /** Whether it matches only at the start of a text. */
  readonly isAnchored: boolean
  /** Whether it matches anywhere, or at the start of the text when anchored. */
  test(text: string): boolean
  /** The end of the match, or -1; for anchored expressions. */
  endOf(text: string): number
  /** The first match with its groups. */
  exec(text: string): RegexMatch | undefined
}

export type RegexOptions = {
  /** Case-insensitive, as after `(?i)`. */
  readonly ignoreCase?: boolean
  /** Matches at the start of the text only. */
  readonly anchored?: boolean
  /** Identifies the expression in error messages. */
  readonly name?: string
}

/** Each character of a text costs at most one visit to each instruction. */
const maxInstructions = 2_000

/**
 * Compiles an expression from a configuration; such expressions are compiled nowhere else. The syntax is what Rust's
 * regex crate, which Kong's router uses, has in common with Perl and JavaScript: no look-around, no back-references,
 * ASCII `\d`, `\w` and `\b`, and `$` only at the very end. Throws a Problem with the position of an unsupported construct.
 * Runs in a browser too.
 */
export function linearRegex(source: string, options: RegexOptions = {}): LinearRegex {
  let opened: Opened | undefined
  const open = (): Opened => (opened ??= openExpression(source, options))
  const { syntax } = parseChecked(source, options)
  return {
    source,
    literal: literalPrefix(syntax),
    size: countInstructions(syntax),
    isAnchored: options.anchored === true || startsAtStart(syntax),
    test: (text) => open().dfa.test(text),
    endOf: (text) => open().dfa.endOf(text),
    exec(text) {
      const { nfa, dfa, names } = open()
      if (!dfa.test(text)) return undefined
      const slots = findCaptures(nfa, text, options.anchored === true)
      return slots && matchOf(text, slots, names)
    },
  }
}

function parseChecked(source: string, { ignoreCase = false, name = '' }: RegexOptions): Parsed {
  const parsed = parseRegex(new Reader(source, name), ignoreCase)
  if (countInstructions(parsed.syntax) > maxInstructions) {
    const sentence = `has more than ${maxInstructions} instructions after its repetitions are expanded`
    throw new Problem('regex.size', 400, `${name || 'it'} ${sentence}`)
  }
  return parsed
}

type Opened = {
  readonly nfa: Nfa
  readonly dfa: LazyDfa
  readonly names: Parsed['names']
}

/** Compiles at the first use and parses again for it: a parsed expression is large, and most expressions of a large configuration are never matched. */
function openExpression(source: string, options: RegexOptions): Opened {
  const parsed = parseChecked(source, options)
  const nfa = compileNfa(parsed)
  const literal = literalPrefix(parsed.syntax)
  const dfa = openLazyDfa(nfa, options.anchored === true, literal)
  return { nfa, dfa, names: parsed.names }
}

function matchOf(
  text: string,
  slots: readonly number[],
  names: ReadonlyMap<string, number>,
): RegexMatch {
  const groups = Array.from({ length: slots.length / 2 }, (_, group) => {
    const start = slots[2 * group] as number
    const end = slots[2 * group + 1] as number
    return start < 0 || end < 0 ? undefined : text.slice(start, end)
  })
  const named: Record<string, string> = Object.create(null) as Record<string, string>
  for (const [name, group] of names) {
    const caught = groups[group]
    if (caught !== undefined) named[name] = caught
  }
  return { start: slots[0] as number, end: slots[1] as number, groups, named }
}

/** The error message for an invalid expression, or undefined for a valid one. */
export function regexError(source: string): string | undefined {
  try {
    parseChecked(source, {})
    return undefined
  } catch (error) {
    if (error instanceof Problem) return error.message
    throw error
  }
}
