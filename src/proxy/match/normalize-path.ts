/** A path with percent-encoded unreserved characters decoded, dot segments removed and slashes merged (RFC 3986 section 6.2.2, and Kong's merging), so that no spelling of a path escapes its route. */
export function normalizePath(path: string): string {
  if (!/%|\/\/|\/\.|\\/.test(path)) return path
  const decoded = path.replace(/%([0-9a-f]{2})/gi, (whole, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return /[\w.~-]/.test(character) ? character : whole.toUpperCase()
  })
  const kept: string[] = []
  const segments = decoded.split('/')
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1
    if (segment === '..') kept.pop()
    if (segment === '..' || segment === '.' || segment === '') {
      if (last && index > 0) kept.push('')
    } else kept.push(segment)
  }
  return `/${kept.join('/')}`
}
