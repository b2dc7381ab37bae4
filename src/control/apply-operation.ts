import { setImmediate } from 'node:timers/promises'
import { z } from 'zod'
import { uuidv4 } from '../lib/ids.ts'
import { entityNamed, type Entity } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import { uuid, uuidPattern } from '../entities/fields.ts'
import type { Body } from '../entities/hooks.ts'
import { idTaken, notFound, schemaViolation } from '../entities/kong-problem.ts'
import type { Operation, Outcome } from '../entities/operation.ts'
import type { PluginSchema } from '../entities/plugin-schema.ts'
import { violationsOf } from '../entities/violations.ts'
import { isRecord } from '../lib/is-record.ts'
import { checkUnique } from './check-unique.ts'
import type { Draft } from './draft.ts'
import { entityTools } from './apply/entity-tools.ts'
import { findEntry, lookupIn } from './find-entry.ts'
import { parseFields } from './parse-fields.ts'
import { checkReferences, editOf, removeAlone, removeEntry } from './remove-entry.ts'
import { resolveReferences } from './apply/resolve-references.ts'
import { settleSecrets } from './apply/settle-secrets.ts'

/** What operations are applied with. */
export type ApplyContext = {
  readonly catalog: readonly PluginSchema[]
  /** Seconds since the epoch. */
  readonly now: number
}

/** Called with how many of all operations are done. */
export type OnProgress = (done: number, total: number) => void

/** After so many operations the event loop turns once. */
const batchSize = 200

/** Applies operations to a draft, all of them or none. */
export async function applyOperations(
  draft: Draft,
  operations: readonly Operation[],
  context: ApplyContext & { readonly onProgress?: OnProgress | undefined },
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const operation of operations) {
    outcomes.push(applyOperation(draft, operation, context))
    if (outcomes.length % batchSize === 0) {
      context.onProgress?.(outcomes.length, operations.length)
      await setImmediate()
    }
  }
  if (operations.some(({ kind }) => kind === 'remove' || kind === 'restore')) checkReferences(draft)
  context.onProgress?.(operations.length, operations.length)
  return outcomes
}

/** Applies one operation to a draft, or refuses it as Kong would. */
export function applyOperation(draft: Draft, operation: Operation, context: ApplyContext): Outcome {
  const before = findTarget(draft, operation)
  switch (operation.kind) {
    case 'delete':
      // Kong answers 204 to the deletion of what is not there, but 404 under a nested path.
      if (before === undefined && operation.within !== undefined) throw notFound()
      if (before !== undefined) removeEntry(draft, operation.entity, before)
      return { before, after: undefined, revealed: {} }
    case 'remove':
      if (before !== undefined) removeAlone(draft, operation.entity, before)
      return { before, after: undefined, revealed: {} }
    case 'restore':
      return restoreEntry(draft, operation, before)
    case 'update':
      if (before === undefined) throw notFound()
      return writeEntry(draft, operation, before, context)
    case 'create':
    case 'replace':
      return writeEntry(draft, operation, before, context)
  }
}

function findTarget(draft: Draft, { at, isById, ...place }: Operation): Entry | undefined {
  if (at === undefined) return undefined
  if (isById !== true) return findEntry(draft.entries, { ...place, at })
  const found = draft.find(place.entity, at)
  return found?.workspace === place.workspace ? found : undefined
}

function writeEntry(
  draft: Draft,
  operation: Operation,
  before: Entry | undefined,
  { catalog, now }: ApplyContext,
): Outcome {
  const entity: Entity = entityNamed(operation.entity)
  const given = normalizeBody(entity, operation)
  const parsed = parseFields(entity, mergedBody(entity, operation, given, before), catalog)
  const completed = entity.complete?.(parsed, { tools: entityTools, now }) ?? parsed
  const resolved = resolveReferences(entity, completed, operation.workspace, draft)
  const { fields, revealed } = settleSecrets(entity, resolved, given, operation)
  const written = { ...metadataOf(entity, operation, before, now), fields }
  const changed = entity.beforeWrite?.({ before, after: written, given }, lookupIn(draft.entries))
  const after: Entry =
    changed === undefined ? written : { ...written, fields: { ...fields, ...changed } }
  if (before === undefined && draft.find(entity.name, after.id) !== undefined)
    throw idTaken(after.id)
  putEntry(draft, entity, before, after)
  return { before, after, revealed }
}

function restoreEntry(
  draft: Draft,
  { entity, entry }: Operation,
  before: Entry | undefined,
): Outcome {
  if (entry === undefined) throw new TypeError('there is nothing to restore')
  putEntry(draft, entityNamed(entity), before, entry)
  return { before, after: entry, revealed: {} }
}

function putEntry(draft: Draft, entity: Entity, before: Entry | undefined, after: Entry): void {
  checkUnique(entity, after, draft)
  draft.put(entity.name, after)
  if (before === undefined) entity.afterCreate?.(after, editOf(draft))
}

/** What surrounds an entity, which Kong lets a caller give. Some clients send times with fractions. */
const metadata = z.object({
  id: uuid().nullish(),
  created_at: z.number().min(0).nullish(),
  updated_at: z.number().min(0).nullish(),
})

/** The fields an operation gives: shorthands expanded, metadata checked and taken away, what the path says put in. */
function normalizeBody(entity: Entity, { kind, body = {}, at, within }: Operation): Body {
  const parsed = metadata.safeParse(body)
  if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
  const own = Object.entries(body).filter(([field]) => !(field in metadata.shape))
  const given = Object.fromEntries(own)
  const isByKey = kind === 'replace' && at !== undefined && !uuidPattern.test(at)
  return {
    ...(entity.normalize?.(given) ?? given),
    ...(isByKey && entity.key !== undefined ? { [entity.key]: at } : {}),
    ...(within === undefined ? {} : { [within.field]: { id: within.id } }),
  }
}

/** The body that is parsed: for an update what is there with what is given put over it. */
function mergedBody(
  entity: Entity,
  { kind }: Operation,
  given: Body,
  before: Entry | undefined,
): Body {
  if (before === undefined) return given
  if (kind === 'replace') {
    // A secret that must be there stays when a whole entity is put without it: who reads it need not be shown it.
    const kept = entity.secret
      .filter((field) => !(entity.fields.shape[field] instanceof z.ZodDefault))
      .map((field) => [field, before.fields[field]] as const)
    return { ...Object.fromEntries(kept), ...given }
  }
  const merged: Record<string, unknown> = { ...before.fields, ...given }
  for (const field of entity.merged ?? []) {
    const [own, old] = [given[field], before.fields[field]]
    if (isRecord(own) && isRecord(old)) merged[field] = deepMerge(old, own)
  }
  return merged
}

function deepMerge(base: Body, over: Body): Body {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key]
    merged[key] = isRecord(value) && isRecord(old) ? deepMerge(old, value) : value
  }
  return merged
}

function metadataOf(
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
