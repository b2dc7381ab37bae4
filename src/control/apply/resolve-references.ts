import type { AnyFields } from '../../entities/declaration.ts'
import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import { brokenReference, unresolvedReference } from '../../entities/kong-problem.ts'
import type { Draft } from '../draft.ts'
import { findEntry } from '../find-entry.ts'

/** Replaces every reference by `{ id }`; throws when the referenced entity does not exist in the workspace. */
export function resolveReferences(
  entity: Entity,
  fields: AnyFields,
  workspace: string | null,
  draft: Draft,
): Record<string, unknown> {
  const resolved: Record<string, unknown> = { ...fields }
  for (const [field, name] of Object.entries(entity.refersTo)) {
    const reference = fields[field] as Readonly<Record<string, string>> | null
    if (reference !== null)
      resolved[field] = { id: resolve(reference, field, name, workspace, draft) }
  }
  return resolved
}

function resolve(
  reference: Readonly<Record<string, string>>,
  field: string,
  name: EntityName,
  workspace: string | null,
  draft: Draft,
): string {
  const { plural, key, inWorkspace }: Entity = entityNamed(name)
  const [by, value] = Object.entries(reference)[0] ?? ['id', '']
  if (by === 'id') {
    const found = draft.find(name, value.toLowerCase())
    const isReachable = !inWorkspace || workspace === null || found?.workspace === workspace
    if (found === undefined || !isReachable) throw brokenReference(field, value, plural)
    return found.id
  }
  const found = by === key ? findEntry(draft, { entity: name, workspace, at: value }) : undefined
  if (found === undefined) throw unresolvedReference(field, [by, value], plural)
  return found.id
}
