import type { RequestHead } from '../exchange.ts'

/** A request as matchers read it. Values that only some expressions need are parsed once, on first use. */
export class MatchInput {
  readonly request: RequestHead
  /** Normalized. */
  readonly path: string
  #segments: readonly string[] | undefined
  #queries: Map<string, string[]> | undefined

  constructor(request: RequestHead, path: string) {
    this.request = request
    this.path = path
  }

  /** Of the path, without empty ones at its end. */
  get segments(): readonly string[] {
    return (this.#segments ??= segmentsOf(this.path))
  }

  /** The decoded values of a parameter of the query string; undefined when there are none. */
  query(name: string): readonly string[] | undefined {
    this.#queries ??= queriesOf(this.request.query)
    return this.#queries.get(name)
  }
}

function segmentsOf(path: string): readonly string[] {
  const segments = path.slice(1).split('/')
  const last = segments.findLastIndex((segment) => segment !== '')
  return segments.slice(0, last + 1)
}

function queriesOf(query: string): Map<string, string[]> {
  const values = new Map<string, string[]>()
  if (query === '') return values
  for (const [name, value] of new URLSearchParams(query)) {
    const known = values.get(name)
    if (known === undefined) values.set(name, [value])
    else known.push(value)
  }
  return values
}
