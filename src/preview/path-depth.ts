import { linearRegex } from '../lib/linear-regex.ts'
import { normalizePattern } from '../lib/normalize-path.ts'
import type { Snapshot } from '../schema/snapshot.ts'

/** How far into a path any route looks. */
export type PathDepth = {
  /** Characters of the longest plain prefix. */
  readonly longest: number
  /** With what paths begin that regular expressions look at to the end; undefined when there are so many that every path stays whole. */
  readonly whole: readonly string[] | undefined
}

const mostExpressions = 64

/** How far into a path the routes of some snapshots look, so that paths which differ only further on are alike. */
export function pathDepth(snapshots: readonly Snapshot[]): PathDepth {
  const patterns = new Set(
    snapshots.flatMap(({ routes }) => routes.flatMap(({ paths }) => paths ?? [])),
  )
  const expressions = [...patterns].filter((pattern) => pattern.startsWith('~'))
  const plain = [...patterns].filter((pattern) => !pattern.startsWith('~'))
  const longest = Math.max(1, ...plain.map((pattern) => normalizePattern(pattern).length))
  if (expressions.length > mostExpressions) return { longest, whole: undefined }
  const whole = expressions.map(
    (pattern) => linearRegex(pattern.slice(1), { anchored: true, name: pattern }).literal,
  )
  return { longest, whole: [...new Set(whole)] }
}
