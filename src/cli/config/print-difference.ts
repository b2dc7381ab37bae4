import type {
  ChangeCounts,
  ConfigDifference,
  EntityDifference,
  FieldDifference,
} from '../../schema/config-difference.ts'

export type PrintOptions = {
  readonly colors: boolean
  /** Values to mask. */
  readonly masked: readonly string[]
  /** True after the changes were applied; selects the past tense. */
  readonly isPast?: boolean
}

export function printDifference({ items, counts }: ConfigDifference, print: PrintOptions): string {
  return [...items.map((item) => printItem(item, print)), printCounts(counts)].join('\n')
}

export function printItem(item: EntityDifference, print: PrintOptions): string {
  const under = item.under === '' ? '' : ` (${item.under})`
  const verb = `${item.kind.slice(0, -1)}${print.isPast === true ? 'ed' : 'ing'}`
  const head = `${verb} ${item.entity} ${item.name}${under}`
  const lines = item.fields.map((field) => `  ${printField(item.kind, field, print)}`)
  return [paint(head, colors[item.kind], print), ...lines].join('\n')
}

/** The summary in decK's form. */
export const printCounts = ({ created, updated, deleted }: ChangeCounts): string =>
  `Summary:\n  Created: ${created}\n  Updated: ${updated}\n  Deleted: ${deleted}`

const colors = { create: 32, update: 33, delete: 31 } as const

function printField(
  kind: EntityDifference['kind'],
  field: FieldDifference,
  print: PrintOptions,
): string {
  const { path, secret } = field
  if (secret) return kind === 'create' ? `+ ${path}: [hidden]` : `~ ${path}: [hidden] → [hidden]`
  const [before, after] = [valueText(field.before, print), valueText(field.after, print)]
  if (field.before === undefined) return paint(`+ ${path}: ${after}`, colors.create, print)
  if (field.after === undefined) return paint(`- ${path}: ${before}`, colors.delete, print)
  return paint(`~ ${path}: ${before} → ${after}`, colors.update, print)
}

function valueText(value: unknown, { masked }: PrintOptions): string {
  let text = JSON.stringify(value) ?? 'nothing'
  for (const secret of masked) text = text.replaceAll(secret, '[masked]')
  return text.length > maxValueLength
    ? `${text.slice(0, maxValueLength)} … (${text.length} characters)`
    : text
}

const maxValueLength = 400

const paint = (text: string, color: number, print: PrintOptions): string =>
  print.colors ? `\u001b[${color}m${text}\u001b[0m` : text
