import type { Entity } from '../schema/entity.ts'
import type { Draft } from './draft.ts'
import { entityNamed, findEntry } from './entity-named.ts'
import { brokenReference, unresolvedReference } from './kong-problem.ts'

/** Fields in which every reference is an existing entity of the same workspace, as `{ id }`. */
export function resolveReferences(
  entity: Entity,
  fields: Readonly<Record<string, unknown>>,
  workspace: string | null,
  draft: Draft,
): Record<string, unknown> {
  const resolved: Record<string, unknown> = { ...fields }
  for (const [field, name] of Object.entries(entity.refersTo)) {
    const reference = fields[field] as Readonly<Record<string, string>> | null
    if (reference !== null)
      resolved[field] = { id: resolve(reference, [field, name], workspace, draft) }
  }
  return resolved
}

function resolve(
  reference: Readonly<Record<string, string>>,
  [field, name]: readonly [string, string],
  workspace: string | null,
  draft: Draft,
): string {
  const { plural, key, inWorkspace } = entityNamed(name)
  const [by, value] = Object.entries(reference)[0] ?? ['id', '']
  if (by === 'id') {
    const found = draft.find(name, value.toLowerCase())
    const isReachable = !inWorkspace || workspace === null || found?.workspace === workspace
    if (found === undefined || !isReachable) throw brokenReference(field, value, plural)
    return found.id
  }
  const found =
    by === key ? findEntry(draft.entries, { entity: name, workspace, at: value }) : undefined
  if (found === undefined) throw unresolvedReference(field, [by, value], plural)
  return found.id
}
