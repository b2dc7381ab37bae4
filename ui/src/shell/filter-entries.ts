/** What a search looks at. */
type Entry = { readonly title: string; readonly aside: string; readonly group: string }

const most = 60

/** The entries whose words contain every typed word; those whose title begins with what was typed come first within their group. */
export function filterEntries<E extends Entry>(entries: readonly E[], typed: string): E[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  const begins = (entry: E): number =>
    entry.title.toLowerCase().startsWith(words[0] ?? '') ? 0 : 1
  const groups = [...new Set(entries.map(({ group }) => group))]
  return entries
    .filter((entry) => {
      const said = `${entry.title} ${entry.aside} ${entry.group}`.toLowerCase()
      return words.every((word) => said.includes(word))
    })
    .toSorted(
      (one, other) =>
        groups.indexOf(one.group) - groups.indexOf(other.group) || begins(one) - begins(other),
    )
    .slice(0, most)
}
