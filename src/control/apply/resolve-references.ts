import type { AnyFields } from '../../entities/declaration.ts'
import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import { referencesIn, type Entry } from '../../entities/entry.ts'
import type { Body } from '../../entities/hooks.ts'
import { brokenReference, unresolvedReference } from '../../entities/kong-problem.ts'
import type { Draft } from '../draft.ts'
import { findEntry } from '../find-entry.ts'

/** Whether a new reference to an entity is allowed. */
export type MayRefer = (entity: EntityName, entry: Entry) => boolean

type ReferenceContext = {
  readonly workspace: string | null
  readonly draft: Draft
  readonly mayRefer: MayRefer
  /** Reference field → the id that it has already, or that the path gives. */
  readonly known: (field: string) => string | undefined
}

/** Replaces every reference by `{ id }`; throws when the referenced entity does not exist in the workspace, or may not be referred to. */
export function resolveReferences(
  entity: Entity,
  fields: AnyFields,
  context: ReferenceContext,
): Record<string, unknown> {
  const resolved: Record<string, unknown> = { ...fields }
  for (const [field, name] of Object.entries(entity.refersTo)) {
    const reference = fields[field] as Readonly<Record<string, string>> | null
    if (reference === null) continue
    const mayRefer = isAssignment(entity, name) ? () => true : context.mayRefer
    resolved[field] = { id: resolve(reference, field, name, { ...context, mayRefer }) }
  }
  return resolved
}

/** Replaces the references in lists by `{ id }`, with what else their elements have; fields that are not of their schema stay. */
export function resolveLists(
  entity: Entity,
  body: Body,
  context: Omit<ReferenceContext, 'known'>,
  before: Entry | undefined,
): Body {
  const resolved: Record<string, unknown> = { ...body }
  for (const [field, name] of Object.entries(entity.refersToMany ?? {})) {
    const parsed = entity.fields.shape[field]?.safeParse(body[field])
    if (parsed?.success !== true || !Array.isArray(parsed.data)) continue
    const ids = before === undefined ? [] : referencesIn(before, field)
    resolved[field] = (parsed.data as ListedReference[]).map(({ id, name: key, ...rest }) => {
      const reference: Record<string, string> = id === undefined ? { name: key ?? '' } : { id }
      // One that it has already stays allowed.
      const known = (): string | undefined => ids.find((one) => one === id)
      return { ...rest, id: resolve(reference, field, name, { ...context, known }) }
    })
  }
  return resolved
}

type ListedReference = { readonly id?: string; readonly name?: string }

/** Principals and groups are global; the routes that assign roles decide which ones are visible in a workspace. */
const isAssignment = ({ withoutRoutes = [] }: Entity, target: EntityName): boolean =>
  withoutRoutes.includes('own') && !entityNamed(target).inWorkspace

function resolve(
  reference: Readonly<Record<string, string>>,
  field: string,
  name: EntityName,
  { workspace, draft, mayRefer, known }: ReferenceContext,
): string {
  const { plural, key, inWorkspace }: Entity = entityNamed(name)
  const isAllowed = (found: Entry): boolean => known(field) === found.id || mayRefer(name, found)
  const [by, value] = Object.entries(reference)[0] ?? ['id', '']
  if (by === 'id') {
    const found = draft.find(name, value.toLowerCase())
    const isReachable = !inWorkspace || workspace === null || found?.workspace === workspace
    if (found === undefined || !isReachable || !isAllowed(found))
      throw brokenReference(field, value, plural)
    return found.id
  }
  const found = by === key ? findEntry(draft, { entity: name, workspace, at: value }) : undefined
  if (found === undefined || !isAllowed(found))
    throw unresolvedReference(field, [by, value], plural)
  return found.id
}
