import { columnsOf, noRow, type RowRule, type RuleColumn } from './row-rule.ts'

/** A ClickHouse condition and its parameters. */
export type Predicate = {
  readonly sql: string
  readonly params: Readonly<Record<string, string | readonly string[]>>
}

/** The columns of a table in which the attributes of a row are stored. */
export type ColumnNames = { readonly [Column in RuleColumn]?: string }

const sameNames: ColumnNames = {
  workspace: 'workspace',
  workspace_name: 'workspace_name',
  service: 'service',
  service_name: 'service_name',
  route: 'route',
  route_name: 'route_name',
  consumer: 'consumer',
  consumer_name: 'consumer_name',
}

/**
 * The rule as SQL that is 1 for exactly the rows that decideRow accepts, and never NULL. A rule that reads an attribute
 * without a column selects no row. `prefix` starts the names of the parameters.
 */
export function toPredicate(
  rule: RowRule,
  prefix = 'row',
  names: ColumnNames = sameNames,
): Predicate {
  const params: Record<string, string | readonly string[]> = {}
  const bind = (value: string | readonly string[]): string => {
    const name = `${prefix}${Object.keys(params).length}`
    params[name] = value
    return `{${name}:${typeof value === 'string' ? 'String' : 'Array(String)'}}`
  }
  const columns = columnsOf(rule).map((column) => names[column])
  const isComplete = columns.every((column) => column !== undefined)
  const rendered = render(isComplete ? rule : noRow, names, bind)
  // `NULL IN (…)` is 0 in ClickHouse, so a NOT above it would accept the row. Guards on non-nullable columns are optimized away.
  const guards = isComplete ? columns.map((column) => `isNotNull(${column})`) : []
  return { sql: [...guards, rendered].join(' AND '), params }
}

type Bind = (value: string | readonly string[]) => string

function render(rule: RowRule, names: ColumnNames, bind: Bind): string {
  switch (rule.is) {
    case 'true':
      return '1'
    case 'false':
      return '0'
    case 'eq':
      return `${names[rule.column]} = ${bind(rule.value)}`
    case 'in':
      return `${names[rule.column]} IN ${bind(rule.values)}`
    case 'and':
      return `(${rule.of.map((part) => render(part, names, bind)).join(' AND ')})`
    case 'or':
      return `(${rule.of.map((part) => render(part, names, bind)).join(' OR ')})`
    case 'not':
      return `NOT (${render(rule.of, names, bind)})`
  }
}
