import { escapePath } from '../../lib/normalize-path.ts'

export type PathInputs = {
  /** Normalized. */
  readonly path: string
  /** Number of characters that the route's path matched. */
  readonly covered: number
  readonly stripPath: boolean
  readonly servicePath: string | null
}

/** The upstream path as Kong's router `traditional_compatible` makes it: joined with exactly one slash, regardless of `path_handling`. */
export function forwardPath(inputs: PathInputs): string {
  const { path, covered, stripPath, servicePath } = inputs
  const base = servicePath ?? '/'
  // Without a path condition Kong strips the first slash.
  const rest = stripPath ? withoutDots(path.slice(covered === 0 ? 1 : covered)) : path
  return escapePath(stripPath ? joinRest(base, rest, path) : joinWhole(base, path))
}

/** Stripping a prefix that ends within a segment may leave dots, which would escape the service's path. */
const withoutDots = (rest: string): string => rest.replace(/^\.\.?(\/|$)/, '')

/** An empty rest keeps the trailing slash of the request, or its absence. */
function joinRest(base: string, rest: string, path: string): string {
  if (rest !== '') return base.replace(/\/$/, '') + (rest.startsWith('/') ? rest : `/${rest}`)
  if (base === '/') return base
  const hasSlash = path.endsWith('/')
  if (base.endsWith('/')) return hasSlash ? base : base.slice(0, -1)
  return hasSlash && path.length > 1 ? `${base}/` : base
}

function joinWhole(base: string, path: string): string {
  if (base.endsWith('/')) return base + path.slice(1)
  return path === '/' ? base : base + path
}
