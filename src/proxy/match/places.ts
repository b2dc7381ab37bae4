import type { Expression } from '../../lib/expression.ts'
import { boundsOf, httpBounds, type NameBound } from '../../schema/expression-bounds.ts'
import type { HostKey } from './host-index.ts'

/** A place in the index: a host pattern, and literals that paths begin with. */
export type Place = { readonly host: HostKey; readonly literals: Iterable<string> }

/** The places where an expression must be, so that every request that it can match finds it. */
export function placesOfExpression(expression: Expression): readonly Place[] {
  const byHost = new Map<string, { readonly host: HostKey; readonly literals: string[] }>()
  for (const { name, place } of boundsOf(expression, httpBounds)) {
    const host = { name: patternOf(name), port: '' }
    const known = byHost.get(host.name)
    if (known === undefined) byHost.set(host.name, { host, literals: [place] })
    else if (!known.literals.includes(place)) known.literals.push(place)
  }
  return [...byHost.values()]
}

/** A wildcard stands for at least one character, so that it takes one of the known ones. */
function patternOf({ kind, text }: NameBound): string {
  switch (kind) {
    case 'any':
    case 'exact':
      return text
    case 'suffix':
      return `*${text.slice(1)}`
    case 'prefix':
      return text.startsWith('*') ? '' : `${text.slice(0, -1)}*`
  }
}
