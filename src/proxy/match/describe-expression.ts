import type { LinearRegex, RegexMatch } from '../../lib/linear-regex.ts'
import type { ExpressionTest } from './compile-expression.ts'
import type { MatchInput } from './match-input.ts'

export type Described = {
  /** The literal of the last comparison of the path that held, a regular expression with `~`; '' without one. */
  readonly pattern: string
  /** Length of the part of the path that it covers, from the start. */
  readonly covered: number
  /** Captured groups of all regular expressions; of several with the same number or name, the last. */
  findGroups(this: void): RegexMatch | undefined
}

/** Tests an expression that matches once more, to describe how it does. */
export function describeExpression(
  expression: ExpressionTest<MatchInput>,
  input: MatchInput,
): Described {
  let [pattern, covered] = ['', 0]
  let found: (readonly [LinearRegex, string])[] | undefined
  expression(input, ({ field, operator, literal }, text, regexes) => {
    if (regexes !== undefined) (found ??= []).push([regexes.anywhere, text])
    if (field !== 'http.path' || literal.kind !== 'string') return
    const isStart = regexes !== undefined || operator === '==' || operator === '^='
    const length = regexes === undefined ? literal.text.length : regexes.atStart.endOf(text)
    // In lower case a path can have another length.
    if (!isStart || length < 0 || text.length !== input.path.length) return
    covered = length
    pattern = regexes === undefined ? literal.text : `~${literal.text}`
  })
  const caught = found
  return { pattern, covered, findGroups: caught ? () => mergeGroups(caught) : noGroups }
}

const noGroups = (): undefined => undefined

function mergeGroups(found: readonly (readonly [LinearRegex, string])[]): RegexMatch | undefined {
  let merged: RegexMatch | undefined
  for (const [regex, text] of found) {
    const match = regex.exec(text)
    if (match === undefined) continue
    const before: readonly (string | undefined)[] = merged?.groups ?? []
    const size = Math.max(before.length, match.groups.length)
    const groups = Array.from({ length: size }, (_, at) => match.groups[at] ?? before[at])
    merged = { ...match, groups, named: { ...merged?.named, ...match.named } }
  }
  return merged
}
