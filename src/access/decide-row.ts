import { columnsOf, type RowRule, type RuleColumn } from './row-rule.ts'

/** A row as far as rules are concerned. */
export type RuledRow = { readonly [Column in RuleColumn]?: string | null | undefined }

/** Whether a row is within the rule. A row that lacks a column the rule asks about is not, whatever the rule says. */
export function decideRow(rule: RowRule, row: RuledRow): boolean {
  const isWhole = columnsOf(rule).every(
    (column) => row[column] !== undefined && row[column] !== null,
  )
  return isWhole && holds(rule, row)
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
