import { uuidPattern } from '../entities/fields.ts'
import type { Rights } from './rights.ts'

/** Encodes slashes inside the segments. */
export const buildPath = (...segments: readonly string[]): string =>
  `/${segments.map((segment) => segment.replaceAll('/', '%2F')).join('/')}`

/** The non-empty segments of an Admin API path, ids in lower case. */
export const segmentsOf = (path: string): readonly string[] =>
  path
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => (uuidPattern.test(segment) ? segment.toLowerCase() : segment))

/** The ids of the entities of one kind that a segment currently refers to, in one workspace or in all. */
export function idsNamed(
  rights: Rights,
  kind: string,
  segment: string,
  workspace?: string,
): readonly string[] {
  if (uuidPattern.test(segment)) return [segment]
  return rights.named
    .withName(kind, segment)
    .filter((named) => workspace === undefined || named.workspace === workspace)
    .map(({ id }) => id)
}
