/** What `forwardPath` needs to know of the route, its service and the match. */
export type PathInputs = {
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
  const rest = inputs.stripPath ? inputs.path.slice(inputs.covered) : inputs.path
  const base = inputs.servicePath ?? '/'
  return inputs.handling === 'v1' ? concatenate(base, rest) : joinSegments(base, rest, inputs)
}

function joinSegments(
  base: string,
  rest: string,
  { path, covered, stripPath }: PathInputs,
): string {
  const relative = rest.replace(/^\/+/, '')
  if (relative !== '') return base.endsWith('/') ? base + relative : `${base}/${relative}`
  if (base === '/') return base
  const trailing = path.endsWith('/')
  if (base.endsWith('/')) return trailing ? base : base.slice(0, -1)
  return trailing && !(stripPath && covered === path.length) ? `${base}/` : base
}

function concatenate(base: string, rest: string): string {
  const joined = base.endsWith('/') && rest.startsWith('/') ? base + rest.slice(1) : base + rest
  return joined === '' ? '/' : joined
}
