/** The attributes of a row that decide whether it is visible: ids, and names as they were when the row was recorded. */
export type RuleColumn =
  | 'workspace'
  | 'workspace_name'
  | 'service'
  | 'service_name'
  | 'route'
  | 'route_name'
  | 'consumer'
  | 'consumer_name'

/** A set of rows. decideRow evaluates it for one row, toPredicate renders it as SQL. */
export type RowRule =
  | { readonly is: 'true' }
  | { readonly is: 'false' }
  | { readonly is: 'eq'; readonly column: RuleColumn; readonly value: string }
  | { readonly is: 'in'; readonly column: RuleColumn; readonly values: readonly string[] }
  | { readonly is: 'and'; readonly of: readonly RowRule[] }
  | { readonly is: 'or'; readonly of: readonly RowRule[] }
  | { readonly is: 'not'; readonly of: RowRule }

export const everyRow: RowRule = { is: 'true' }
export const noRow: RowRule = { is: 'false' }

/** Rows whose column holds one of the values; without values, no row. */
export function oneOf(column: RuleColumn, values: readonly string[]): RowRule {
  const distinct = [...new Set(values)].toSorted()
  const [first] = distinct
  if (first === undefined) return noRow
  return distinct.length === 1
    ? { is: 'eq', column, value: first }
    : { is: 'in', column, values: distinct }
}

/** The conjunction, simplified by constants and absorption. */
export const allOf = (...rules: readonly RowRule[]): RowRule => join('and', rules)

/** The disjunction, simplified by constants and absorption. */
export const anyOf = (...rules: readonly RowRule[]): RowRule => join('or', rules)

export function not(rule: RowRule): RowRule {
  if (rule.is === 'true') return noRow
  if (rule.is === 'false') return everyRow
  return rule.is === 'not' ? rule.of : { is: 'not', of: rule }
}

/** `then` for rows that meet the condition, `otherwise` for the rest. */
export const choose = (condition: RowRule, then: RowRule, otherwise: RowRule): RowRule =>
  isSame(then, otherwise) ? then : anyOf(allOf(condition, then), allOf(not(condition), otherwise))

/** The rule that remains when the values of some columns are known. */
export function assume(
  rule: RowRule,
  known: { readonly [Column in RuleColumn]?: string },
): RowRule {
  switch (rule.is) {
    case 'eq':
    case 'in': {
      const value = known[rule.column]
      if (value === undefined) return rule
      const wanted = rule.is === 'eq' ? [rule.value] : rule.values
      return wanted.includes(value) ? everyRow : noRow
    }
    case 'and':
      return allOf(...rule.of.map((part) => assume(part, known)))
    case 'or':
      return anyOf(...rule.of.map((part) => assume(part, known)))
    case 'not':
      return not(assume(rule.of, known))
    case 'true':
    case 'false':
      return rule
  }
}

/** The columns that the rule reads, sorted. */
export const columnsOf = (rule: RowRule): readonly RuleColumn[] =>
  [...new Set(comparisonsIn(rule).map(({ column }) => column))].toSorted()

/** The values that the rule compares a column with. */
export const valuesOf = (rule: RowRule, column: RuleColumn): readonly string[] =>
  comparisonsIn(rule)
    .filter((comparison) => comparison.column === column)
    .flatMap((comparison) => (comparison.is === 'eq' ? [comparison.value] : comparison.values))

type Comparison = Extract<RowRule, { readonly column: RuleColumn }>

function comparisonsIn(rule: RowRule): readonly Comparison[] {
  if (rule.is === 'eq' || rule.is === 'in') return [rule]
  if (rule.is === 'not') return comparisonsIn(rule.of)
  return rule.is === 'and' || rule.is === 'or' ? rule.of.flatMap(comparisonsIn) : []
}

function join(is: 'and' | 'or', rules: readonly RowRule[]): RowRule {
  const [neutral, decisive] = is === 'and' ? [everyRow, noRow] : [noRow, everyRow]
  const flat = rules.flatMap((rule) => (rule.is === is ? rule.of : [rule]))
  const parts = absorb(is, is === 'or' ? mergeValues(flat) : flat).filter(
    (part) => part.is !== neutral.is,
  )
  if (parts.some((part) => part.is === decisive.is || has(parts, not(part)))) return decisive
  const [only] = parts
  if (only === undefined) return neutral
  return parts.length === 1 ? only : { is, of: parts }
}

/** `a = 1 or a = 2` is `a in (1, 2)`. */
function mergeValues(parts: readonly RowRule[]): readonly RowRule[] {
  const values = new Map<RuleColumn, readonly string[]>()
  const rest: RowRule[] = []
  for (const part of parts) {
    if (part.is !== 'eq' && part.is !== 'in') rest.push(part)
    else {
      const more = part.is === 'eq' ? [part.value] : part.values
      values.set(part.column, [...(values.get(part.column) ?? []), ...more])
    }
  }
  return [...[...values].map(([column, wanted]) => oneOf(column, wanted)), ...rest]
}

/** Absorption: `p or (p and q)` is `p`, and `p and (p or q)` is `p`. Also removes duplicates. */
function absorb(is: 'and' | 'or', parts: readonly RowRule[]): readonly RowRule[] {
  const termsOf = (part: RowRule): readonly RowRule[] =>
    part.is === (is === 'and' ? 'or' : 'and') ? part.of : [part]
  const isWithin = (inner: RowRule, outer: RowRule): boolean =>
    termsOf(inner).every((term) => has(termsOf(outer), term))
  return parts.filter(
    (part, at) =>
      !parts.some(
        (other, index) => isWithin(other, part) && (index < at || !isWithin(part, other)),
      ),
  )
}

const has = (rules: readonly RowRule[], rule: RowRule): boolean =>
  rules.some((one) => isSame(one, rule))

const isSame = (one: RowRule, other: RowRule): boolean =>
  JSON.stringify(one) === JSON.stringify(other)
