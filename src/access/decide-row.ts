import { columnsOf, type RowRule, type RuleColumn } from './row-rule.ts'

/** The attributes of a row that rules read. */
export type RuledRow = { readonly [Column in RuleColumn]?: string | null | undefined }

/** Whether the rule accepts a row. A row without one of the columns that the rule reads is never accepted. */
export function decideRow(rule: RowRule, row: RuledRow): boolean {
  const isComplete = columnsOf(rule).every(
    (column) => row[column] !== undefined && row[column] !== null,
  )
  return isComplete && holds(rule, row)
}

function holds(rule: RowRule, row: RuledRow): boolean {
  switch (rule.is) {
    case 'true':
      return true
    case 'false':
      return false
    case 'eq':
      return row[rule.column] === rule.value
    case 'in':
      return rule.values.includes(row[rule.column] ?? '')
    case 'and':
      return rule.of.every((part) => holds(part, row))
    case 'or':
      return rule.of.some((part) => holds(part, row))
    case 'not':
      return !holds(rule.of, row)
  }
}
