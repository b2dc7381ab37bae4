import type { Extent } from '../schema/entitlement.ts'
import { action as actions, type Action } from '../entities/action.ts'
import { sentence, verdictOn } from './decide.ts'
import type { AccessRequest, EndpointRule, EntityRule, Rights } from './rights.ts'

/** For which entities an action is allowed, and the rule that decides for entities that no rule names. */
export type Entitlement = { readonly extent: Extent; readonly because: string | undefined }

/** The id of no entity: stands for every entity that no rule names. */
const unnamedEntity = '00000000-0000-4000-8000-00000000ffff'

/** Permitted actions of a principal for each entity type of a workspace. */
export function entitlementsOf(
  rights: Rights,
  workspace: AccessRequest['workspace'],
  kinds: readonly string[],
): ReadonlyMap<string, Readonly<Record<Action, Entitlement>>> {
  return new Map(
    kinds.map((kind) => [
      kind,
      Object.fromEntries(
        actions.options.map((action) => [action, entitlement(rights, workspace, kind, action)]),
      ) as Record<Action, Entitlement>,
    ]),
  )
}

/** Whether any rule of a principal applies in a workspace. */
export const reaches = (rights: Rights, { id }: AccessRequest['workspace']): boolean =>
  [...rights.endpoints, ...rights.entities].some(
    (rule) =>
      (rule.confined === undefined || rule.confined === id) &&
      (!('written' in rule) || rule.written === undefined || rule.written.id === id),
  )

function entitlement(
  rights: Rights,
  workspace: AccessRequest['workspace'],
  kind: string,
  action: Action,
): Entitlement {
  const general = verdictOn(rights, generalAsk(workspace, kind, action))
  const isAllowed = general.says === 'allow'
  const differs = namedAsks(rights, workspace, kind, action).some(
    (ask) => (verdictOn(rights, ask).says === 'allow') !== isAllowed,
  )
  return {
    extent: differs ? 'some' : isAllowed ? 'all' : 'none',
    because: general.says === 'nothing' ? undefined : sentence(general.rule.words),
  }
}

/** Entities are created at their collection; other actions address one entity. The audit log is read as a whole. */
function generalAsk(
  workspace: AccessRequest['workspace'],
  kind: string,
  action: Action,
): AccessRequest {
  if (action === 'create' || kind === 'audit') return { workspace, path: `/${kind}`, action }
  return namedAsk(workspace, kind, action)(unnamedEntity)
}

const namedAsk =
  (workspace: AccessRequest['workspace'], kind: string, action: Action) =>
  (at: string): AccessRequest => ({
    workspace,
    path: `/${kind}/${at}`,
    action,
    entity: { type: kind, id: at, name: null },
  })

/** One request for each entity that some rule names. */
function namedAsks(
  rights: Rights,
  workspace: AccessRequest['workspace'],
  kind: string,
  action: Action,
): readonly AccessRequest[] {
  const depth = kind.split('/').length
  const isNamed = ({ segments }: EndpointRule): boolean =>
    segments?.length === depth + 1 && segments.at(-1) !== '*'
  const byPath = rights.endpoints.filter(isNamed).flatMap(({ segments }) => segments?.at(-1) ?? [])
  const kindOf = kindsById(rights)
  const isOfKind = ({ entity, source }: EntityRule): boolean =>
    (kindOf.get(entity) ?? source.kind ?? kind) === kind
  const byId = rights.entities.filter(isOfKind).map(({ entity }) => entity)
  const isEntity = (id: string): boolean => id !== '*' && id !== workspace.id
  return [...new Set([...byPath, ...byId])].filter(isEntity).map(namedAsk(workspace, kind, action))
}

/** The actual type of an entity, regardless of the type that a permission states. */
const kindsById = ({ named }: Rights): ReadonlyMap<string, string> =>
  new Map(named.all().map(({ id, kind }) => [id, kind]))
