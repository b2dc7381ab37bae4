import { columnsOf, type RowRule } from './row-rule.ts'

/** A condition in ClickHouse's SQL, with the values it is bound to. */
export type Predicate = {
  readonly sql: string
  readonly params: Readonly<Record<string, string | readonly string[]>>
}

/** The rule as SQL that is 1 for exactly the rows that decideRow takes, and never NULL; `prefix` begins the names of its parameters. */
export function toPredicate(rule: RowRule, prefix = 'row'): Predicate {
  const params: Record<string, string | readonly string[]> = {}
  const bind = (value: string | readonly string[]): string => {
    const name = `${prefix}${Object.keys(params).length}`
    params[name] = value
    return `{${name}:${typeof value === 'string' ? 'String' : 'Array(String)'}}`
  }
  const rendered = render(rule, bind)
  // `NULL IN (…)` is 0 in ClickHouse, so that a NOT above it would let the row pass; on columns that cannot be NULL the guards fold away.
  const guards = columnsOf(rule).map((column) => `isNotNull(${column})`)
  return { sql: [...guards, rendered].join(' AND '), params }
}

type Bind = (value: string | readonly string[]) => string

function render(rule: RowRule, bind: Bind): string {
  switch (rule.is) {
    case 'true':
      return '1'
    case 'false':
      return '0'
    case 'eq':
      return `${rule.column} = ${bind(rule.value)}`
    case 'in':
      return `${rule.column} IN ${bind(rule.values)}`
    case 'and':
      return `(${rule.of.map((part) => render(part, bind)).join(' AND ')})`
    case 'or':
      return `(${rule.of.map((part) => render(part, bind)).join(' OR ')})`
    case 'not':
      return `NOT (${render(rule.of, bind)})`
  }
}
