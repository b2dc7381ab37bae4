import { Problem } from '../lib/problem.ts'

/** Where a target is could not be found out. */
export const unresolvedName = (cause: unknown): Problem =>
  new Problem('upstream.name', 503, 'name resolution failed', { cause })
