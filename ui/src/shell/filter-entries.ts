type Entry = {
  readonly title: string
  readonly aside: string
  readonly group: string
  /** Whether it matches already. */
  readonly isMatch?: boolean
}

const maxEntries = 60

/** The entries that contain every word; within a group, titles that start with the first word come first. */
export function filterEntries<E extends Entry>(entries: readonly E[], typed: string): E[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  const startsWith = (entry: E): number =>
    entry.title.toLowerCase().startsWith(words[0] ?? '') ? 0 : 1
  const groups = [...new Set(entries.map(({ group }) => group))]
  return entries
    .filter((entry) => {
      if (entry.isMatch === true) return true
      const content = `${entry.title} ${entry.aside} ${entry.group}`.toLowerCase()
      return words.every((word) => content.includes(word))
    })
    .toSorted(
      (one, other) =>
        groups.indexOf(one.group) - groups.indexOf(other.group) ||
        startsWith(one) - startsWith(other),
    )
    .slice(0, maxEntries)
}
