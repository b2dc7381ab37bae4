import type { Placed } from '../api/entities.ts'

/** The rows in whose columns, or whose id, every typed word is found. */
export function searchRows(
  rows: readonly Placed[],
  columns: readonly { readonly key: (row: Placed) => string | number }[],
  typed: string,
): readonly Placed[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return rows
  return rows.filter((row) => {
    const said = [...columns.map(({ key }) => key(row)), row.entity.id].join(' ').toLowerCase()
    return words.every((word) => said.includes(word))
  })
}
