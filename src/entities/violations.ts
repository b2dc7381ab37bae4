import type { z } from 'zod'

/** Kong's form of violations: field → message, messages or nested fields. `@entity` holds the violations of several fields; `@record` one of settings as a whole, whose issue has the parameter `isOfRecord`. */
export type Violations = { [field: string]: string | string[] | Violations }

/** Translates zod issues to the messages of Kong's Admin API. */
export function violationsOf(error: z.ZodError): Violations {
  const violations: Violations = {}
  for (const issue of error.issues) {
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) put(violations, [...issue.path, key], 'unknown field')
    } else if (issue.code === 'custom' && issue.params?.['isOfRecord'] === true) {
      violations['@record'] ??= messageOf(issue)
    } else if (issue.path.length === 0) {
      const list = (violations['@entity'] ??= []) as string[]
      list.push(messageOf(issue))
    } else {
      put(violations, issue.path, messageOf(issue))
    }
  }
  return violations
}

/** Kong's one-line message for a set of violations: `schema violation (host: required field missing)`. */
export function violationMessage(violations: Violations): string {
  const lines = flatten(violations, '')
  const head = lines.length === 1 ? 'schema violation' : `${lines.length} schema violations`
  return `${head} (${lines.join('; ')})`
}

function put(violations: Violations, path: readonly PropertyKey[], message: string): void {
  let at = violations
  for (const step of path.slice(0, -1)) {
    const key = keyOf(step)
    const next = at[key]
    at = typeof next === 'object' && !Array.isArray(next) ? next : ((at[key] = {}) as Violations)
  }
  at[keyOf(path.at(-1) as PropertyKey)] ??= message
}

/** Kong counts the elements of arrays from one. */
const keyOf = (step: PropertyKey): string =>
  typeof step === 'number' ? String(step + 1) : String(step)

const nouns: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'an integer',
  boolean: 'a boolean',
  array: 'an array',
  object: 'a record',
  record: 'a map',
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    if (issue.message.endsWith('undefined')) return 'required field missing'
    return issue.message.startsWith('expected ')
      ? issue.message
      : `expected ${nouns[issue.expected] ?? issue.expected}`
  }
  if (issue.code === 'invalid_value') {
    return `expected one of: ${issue.values.map(String).join(', ')}`
  }
  if (issue.code === 'too_small') {
    return `${measured(issue.origin)} must be at least ${String(issue.minimum)}`
  }
  if (issue.code === 'too_big') {
    return `${measured(issue.origin)} must be at most ${String(issue.maximum)}`
  }
  return issue.message
}

const measured = (origin: string): string =>
  origin === 'string' || origin === 'array' ? 'length' : 'value'

function flatten(violations: Violations, prefix: string): string[] {
  return Object.entries(violations).flatMap(([field, found]) => {
    if (typeof found === 'string') return [`${prefix}${field}: ${found}`]
    if (Array.isArray(found))
      return found.map((message) =>
        field === '@entity' ? message : `${prefix}${field}: ${message}`,
      )
    return flatten(found, `${prefix}${field}.`)
  })
}
