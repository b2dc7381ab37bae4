import { escapePath } from '../../lib/normalize-path.ts'

/** What `forwardPath` needs to know of the route, its service and the match. */
export type PathInputs = {
  /** Normalized. */
  readonly path: string
  /** How many characters of the path the route's pattern covered. */
  readonly covered: number
  readonly stripPath: boolean
  readonly handling: 'v0' | 'v1'
  /** Path of the service, or null. */
  readonly servicePath: string | null
}

/** The path to ask the service for, as Kong joins it: `v0` joins with exactly one slash, `v1` simply concatenates. */
export function forwardPath(inputs: PathInputs): string {
  const { path, covered, stripPath, handling, servicePath } = inputs
  const base = servicePath ?? '/'
  const rest = stripPath ? withoutDots(path.slice(covered)) : path
  if (handling === 'v1') return escapePath(concatenate(base, rest))
  return escapePath(stripPath ? joinRest(base, rest, path) : joinWhole(base, path))
}

/** A prefix that ends inside of a segment may leave dots behind, which would lead out of the service's own path. */
const withoutDots = (rest: string): string => rest.replace(/^\.\.?(\/|$)/, '')

/** What is left after stripping; nothing left keeps the slash, or lack of one, of the request. */
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

function concatenate(base: string, rest: string): string {
  const joined = base.endsWith('/') && rest.startsWith('/') ? base + rest.slice(1) : base + rest
  return joined === '' ? '/' : joined
}
