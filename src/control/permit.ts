import { decide, mayReadEntity, verdictOn } from '../access/decide.ts'
import type { AccessRequest, Decision, Rights } from '../access/rights.ts'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { Problem } from '../lib/problem.ts'
import type { State } from './state/state.ts'

export const systemPrincipal = Symbol('system principal')

/** The author of revisions that Weir makes itself. */
export const systemName = 'weir'

/** Id of a principal, or the system principal, which has all permissions. */
export type Requester = string | typeof systemPrincipal

/** The permissions that an operation needs. */
export type AccessCheck = {
  readonly ask: AccessRequest
  /** Other paths of the same entity; a denial at any of them denies the request. */
  readonly aliases?: readonly AccessRequest[]
  /** Further requests that must be allowed too. */
  readonly alsoRequired?: readonly AccessRequest[]
}

/** The decision that allows an operation; throws a 401 or 403 otherwise. */
export function* permit(
  state: Pick<State, 'rightsOf'>,
  principal: Requester,
  check: AccessCheck,
): CooperativeTask<Decision> {
  if (principal === systemPrincipal) return { allowed: true, because: 'Weir itself did this.' }
  const rights = state.rightsOf(principal)
  if (rights === undefined) throw unidentified()
  const denied = yield* deniedAsk(rights, check)
  if (denied !== undefined) throw forbidden(rights, check, denied)
  return decide(rights, check.ask)
}

/** The 401 or 403 for an operation, with Kong's message and the rule that decided; undefined when it is allowed. */
export function refusalOf(rights: Rights | undefined, check: AccessCheck): Problem | undefined {
  if (rights === undefined) return unidentified()
  const denied = runToCompletion(deniedAsk(rights, check))
  return denied && forbidden(rights, check, denied)
}

function forbidden(rights: Rights, check: AccessCheck, denied: AccessRequest): Problem {
  const message = `${rights.principal.name}, you do not have permissions to ${check.ask.action} this resource`
  const { because: record } = decide(rights, denied)
  // A rule can name the entity by a name that the requester did not write.
  const because = mayReadEntity(rights, denied)
    ? record
    : 'It concerns an entity that you may not read.'
  return new Problem('control.forbidden', 403, message, { detail: { because }, record })
}

/** The rights in a configuration without entities, where a name in a path refers to no id. */
export const rightsWithoutEntities = (rights: Rights): Rights => ({
  ...rights,
  named: { withName: () => [], all: () => [], isOfAnotherKind: () => false },
})

/** Allows an operation when its path and all of `alsoRequired` are allowed and none of `aliases` is denied. A denial names one request that is denied. */
export const decideAccess = (rights: Rights, check: AccessCheck): Decision =>
  decide(rights, runToCompletion(deniedAsk(rights, check)) ?? check.ask)

function* deniedAsk(
  rights: Rights,
  { ask, aliases = [], alsoRequired = [] }: AccessCheck,
): CooperativeTask<AccessRequest | undefined> {
  const denied = aliases.find((alias) => verdictOn(rights, alias).says === 'deny')
  // The main request is decided first: `alsoRequired` can depend on whether the entity exists, and its denial would reveal that.
  for (const one of [denied ?? ask, ...alsoRequired]) {
    if (verdictOn(rights, one).says !== 'allow') return one
    yield
  }
  return undefined
}

export const unidentified = (): Problem =>
  new Problem('control.unidentified', 401, 'Invalid RBAC credentials')
