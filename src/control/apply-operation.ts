import { z } from 'zod'
import { runBetweenEvents, type CooperativeTask } from '../lib/cooperative-task.ts'
import { uuidv4 } from '../lib/ids.ts'
import { entityNamed, type Entity } from '../entities/entities.ts'
import { referenceIn, type Entry } from '../entities/entry.ts'
import { uuid, uuidPattern } from '../entities/fields.ts'
import type { Body } from '../entities/hooks.ts'
import { idTaken, notFound, schemaViolation } from '../entities/kong-problem.ts'
import type { Operation, Outcome } from '../entities/operation.ts'
import type { PluginSchema } from '../entities/plugin-schema.ts'
import { violationsOf } from '../entities/violations.ts'
import type { Egress } from '../lib/egress.ts'
import { isRecord } from '../lib/is-record.ts'
import { checkUnique } from './check-unique.ts'
import type { Draft } from './draft.ts'
import { entityTools, hostRefusal } from './apply/entity-tools.ts'
import { findEntry, lookupIn } from './find-entry.ts'
import { expandConfig, parseFields } from './parse-fields.ts'
import { checkReferences, editOf, removeWithoutDependents, removeEntry } from './remove-entry.ts'
import { resolveLists, resolveReferences, type MayRefer } from './apply/resolve-references.ts'
import { settleSecrets } from './apply/settle-secrets.ts'

export type ApplyContext = {
  readonly catalog: readonly PluginSchema[]
  /** Addresses that gateways may connect to; any address when absent. */
  readonly egress?: Egress
  /** Seconds since the epoch. */
  readonly now: number
  /** Whether the requester may let an entity refer to another one. */
  readonly mayRefer: MayRefer
}

export type OnProgress = (done: number, total: number) => void

/** Operations between two reports of progress. */
const reportInterval = 200

/** Applies operations to a draft; throws a Problem for the first that fails, and the draft must then be discarded. */
export const applyOperations = (
  draft: Draft,
  operations: readonly Operation[],
  context: ApplyContext & { readonly onProgress?: OnProgress | undefined },
): Promise<Outcome[]> => runBetweenEvents(applySteps(draft, operations, context))

function* applySteps(
  draft: Draft,
  operations: readonly Operation[],
  context: ApplyContext & { readonly onProgress?: OnProgress | undefined },
): CooperativeTask<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const operation of operations) {
    outcomes.push(applyOperation(draft, operation, context))
    if (outcomes.length % reportInterval === 0)
      context.onProgress?.(outcomes.length, operations.length)
    yield
  }
  if (operations.some(({ kind }) => kind === 'remove' || kind === 'restore'))
    yield* checkReferences(draft)
  context.onProgress?.(operations.length, operations.length)
  return outcomes
}

/** Applies one operation to a draft, or throws the Problem with Kong's response. */
export function applyOperation(draft: Draft, operation: Operation, context: ApplyContext): Outcome {
  const before = findTarget(draft, operation)
  switch (operation.kind) {
    case 'delete':
      // Kong answers 204 when the entity does not exist, but 404 under a nested path.
      if (before === undefined && operation.within !== undefined) throw notFound()
      if (before !== undefined) removeEntry(draft, operation.entity, before)
      return { before, after: undefined, revealed: {} }
    case 'remove':
      if (before !== undefined) removeWithoutDependents(draft, operation.entity, before)
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

function findTarget(draft: Draft, { at, isById, ...location }: Operation): Entry | undefined {
  if (at === undefined) return undefined
  if (isById !== true) return findEntry(draft, { ...location, at })
  const found = draft.find(location.entity, at)
  return found?.workspace === location.workspace ? found : undefined
}

function writeEntry(
  draft: Draft,
  operation: Operation,
  before: Entry | undefined,
  { catalog, now, egress, mayRefer }: ApplyContext,
): Outcome {
  const entity: Entity = entityNamed(operation.entity)
  const body = normalizeBody(entity, operation)
  const given = expandConfig(entity, body, catalog, { ...before?.fields, ...body })
  const { workspace, within } = operation
  const merged = mergedBody(entity, operation, given, before)
  const linked = resolveLists(entity, merged, { workspace, draft, mayRefer }, before)
  const lookup = lookupIn(draft)
  const filled = entity.fillLinks?.(linked, { lookup, workspace, catalog }) ?? linked
  const parsed = parseFields(entity, filled, catalog)
  const context = { tools: entityTools, now, refusalOf: hostRefusal(egress) }
  const completed = entity.complete?.(parsed, context) ?? parsed
  const resolved = resolveReferences(entity, completed, {
    workspace,
    draft,
    mayRefer,
    known: (field) => (within?.field === field ? within.id : before && referenceIn(before, field)),
  })
  const { fields, revealed } = settleSecrets(entity, resolved, given, operation)
  const written = { ...metadataOf(entity, operation, before, now), fields }
  const isDeclared = operation.isDeclared === true
  const changed = entity.beforeWrite?.({ before, after: written, given, isDeclared }, lookup)
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
  if (entry === undefined) throw new TypeError('a restore operation needs an entry')
  putEntry(draft, entityNamed(entity), before, entry)
  return { before, after: entry, revealed: {} }
}

function putEntry(draft: Draft, entity: Entity, before: Entry | undefined, after: Entry): void {
  checkUnique(entity, after, draft)
  draft.put(entity.name, after)
  if (before === undefined) entity.afterCreate?.(after, editOf(draft))
}

/** Members that Kong accepts in a body beside the entity's fields. Some clients send times with fractions. */
const metadata = z.object({
  id: uuid().nullish(),
  created_at: z.number().min(0).nullish(),
  updated_at: z.number().min(0).nullish(),
})

/** The fields of an operation's body: metadata checked and removed, shorthands expanded, values from the path added. */
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

/** The body to parse: for an update, the stored fields overlaid with the given ones. */
function mergedBody(
  entity: Entity,
  { kind }: Operation,
  given: Body,
  before: Entry | undefined,
): Body {
  if (before === undefined) return given
  if (kind === 'replace') {
    // A PUT without a required secret keeps the stored one, because a client that reads the entity may not see it.
    const keptSecrets = entity.secret
      .filter((field) => !(entity.fields.shape[field] instanceof z.ZodDefault))
      .map((field) => [field, before.fields[field]] as const)
    return { ...Object.fromEntries(keptSecrets), ...given }
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
