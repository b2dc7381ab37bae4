import { z } from 'zod'
import { uuidv4 } from '../lib/ids.ts'
import { Problem } from '../lib/problem.ts'
import type { Entity } from '../schema/entity.ts'
import type { Entry } from '../schema/entry.ts'
import { uuidPattern } from '../schema/fields.ts'
import type { PluginSchema } from '../schema/plugin-schema.ts'
import { checkUnique } from './check-unique.ts'
import { addDefaultRoles } from './default-roles.ts'
import type { Draft } from './draft.ts'
import { entityNamed, findEntry } from './entity-named.ts'
import { idTaken, notFound } from './kong-problem.ts'
import type { Body, Operation, Outcome } from './operation.ts'
import { isRecord, parseFields } from './parse-fields.ts'
import { bodyOf } from './body-of.ts'
import { checkCertificate } from './check-certificate.ts'
import { checkPermission } from './check-permission.ts'
import { keptTtl } from './key-ttl.ts'
import { removeAlone, removeEntry } from './remove-entry.ts'
import { resolveReferences } from './resolve-references.ts'
import { settleSecrets } from './settle-secrets.ts'

/** What operations are applied with. */
export type Circumstances = {
  readonly catalog: readonly PluginSchema[]
  /** Seconds since the epoch. */
  readonly now: number
}

/** Does one operation to a draft, or refuses it as Kong would. */
export function applyOperation(
  draft: Draft,
  operation: Operation,
  circumstances: Circumstances,
): Outcome {
  const entity = entityNamed(operation.entity)
  const before = findTarget(draft, operation)
  if (operation.kind === 'delete') return removeTarget(draft, operation, before)
  if (operation.kind === 'remove') return removeOne(draft, operation, before)
  if (operation.kind === 'restore') return restoreEntry(draft, operation, before)
  if (operation.kind === 'update' && before === undefined) throw notFound()
  const given = bodyOf(entity, operation)
  const parsed = parseFields(entity, whole(entity, operation, given, before), circumstances.catalog)
  const checked = checkCertificate(entity, parsed, circumstances.now)
  const resolved = resolveReferences(entity, checked, operation.workspace, draft)
  const { fields, revealed } = settleSecrets(entity, resolved, given, operation)
  const surrounded = surroundings(entity, operation, before, circumstances.now)
  const after: Entry = {
    ...surrounded,
    fields: { ...fields, ...keptTtl(entity, given, surrounded) },
  }
  checkRename(entity, before, after)
  checkPermission(entity, after, draft)
  if (before === undefined && draft.find(entity.name, after.id) !== undefined)
    throw idTaken(after.id)
  checkUnique(entity, after, draft)
  draft.put(entity.name, after)
  if (entity.name === 'workspace' && before === undefined) addDefaultRoles(draft, after)
  return { before, after, revealed }
}

function findTarget(draft: Draft, { at, isById, ...place }: Operation): Entry | undefined {
  if (at === undefined) return undefined
  if (isById !== true) return findEntry(draft.entries, { ...place, at })
  const found = draft.find(place.entity, at)
  return found?.workspace === place.workspace ? found : undefined
}

/** Kong answers 204 to the deletion of what is not there, but 404 under a nested path. */
function removeTarget(draft: Draft, operation: Operation, before: Entry | undefined): Outcome {
  if (before === undefined && operation.within !== undefined) throw notFound()
  if (before !== undefined) removeEntry(draft, operation.entity, before)
  return { before, after: undefined, revealed: {} }
}

function removeOne(draft: Draft, { entity }: Operation, before: Entry | undefined): Outcome {
  if (before !== undefined) removeAlone(draft, entity, before)
  return { before, after: undefined, revealed: {} }
}

function restoreEntry(
  draft: Draft,
  { entity: name, entry }: Operation,
  before: Entry | undefined,
): Outcome {
  if (entry === undefined) throw new TypeError('there is nothing to restore')
  checkUnique(entityNamed(name), entry, draft)
  draft.put(name, entry)
  if (name === 'workspace' && before === undefined) addDefaultRoles(draft, entry)
  return { before, after: entry, revealed: {} }
}

/** The body that is parsed: for an update what is there with what is given put over it. */
function whole(entity: Entity, { kind }: Operation, given: Body, before: Entry | undefined): Body {
  if (before === undefined) return given
  if (kind === 'replace') {
    const kept = entity.secret
      .filter((field) => !hasDefault(entity, field))
      .map((field) => [field, before.fields[field]] as const)
    return { ...Object.fromEntries(kept), ...given }
  }
  const merged: Record<string, unknown> = { ...before.fields, ...given }
  for (const field of ['config', 'healthchecks']) {
    const [own, old] = [given[field], before.fields[field]]
    if (isRecord(own) && isRecord(old)) merged[field] = deepMerge(old, own)
  }
  return merged
}

/** A secret that must be there stays when a whole entity is put without it: who reads it need not be shown it. */
const hasDefault = ({ fields }: Entity, field: string): boolean =>
  fields.shape[field] instanceof z.ZodDefault

function deepMerge(base: Body, over: Body): Body {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key]
    merged[key] = isRecord(value) && isRecord(old) ? deepMerge(old, value) : value
  }
  return merged
}

function surroundings(
  entity: Entity,
  { workspace, at, body = {} }: Operation,
  before: Entry | undefined,
  now: number,
): Omit<Entry, 'fields'> {
  if (before !== undefined) return { ...before, updatedAt: now }
  const atId = at !== undefined && uuidPattern.test(at) ? at : undefined
  const id = atId ?? (body['id'] as string | null | undefined) ?? uuidv4()
  const createdAt = Math.trunc((body['created_at'] as number | null | undefined) ?? now)
  return {
    id: id.toLowerCase(),
    workspace: entity.inWorkspace ? workspace : null,
    createdAt,
    updatedAt: now,
  }
}

function checkRename(entity: Entity, before: Entry | undefined, after: Entry): void {
  if (entity.name !== 'workspace' || before === undefined) return
  if (before.fields['name'] !== after.fields['name']) {
    throw new Problem('control.workspace_rename', 400, 'Cannot rename a workspace')
  }
}
