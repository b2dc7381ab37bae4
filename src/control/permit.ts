import { decide, verdictOn } from '../access/decide.ts'
import type { Ask, Decision, Rights } from '../access/rights.ts'
import { Problem } from '../lib/problem.ts'
import type { State } from './state/state.ts'

/** The program itself, which may do everything. */
export const systemPrincipal = Symbol('system principal')

/** Id of a principal, or the program itself. */
export type Requester = string | typeof systemPrincipal

/** What is asked at a path of the Admin API. */
export type AccessCheck = {
  readonly ask: Ask
  /** Other paths that lead to the same thing, where a rule may forbid it too. */
  readonly aliases?: readonly Ask[]
  /** What must be allowed as well. */
  readonly alsoRequired?: readonly Ask[]
}

/** The decision that allows what is asked; throws the refusal. */
export function permit(state: State, principal: Requester, check: AccessCheck): Decision {
  if (principal === systemPrincipal) return { allowed: true, because: 'Weir itself did this.' }
  const rights = state.rightsOf(principal)
  const refusal = refusalOf(rights, check)
  if (rights === undefined || refusal !== undefined) throw refusal ?? unidentified()
  return judge(rights, check)
}

/** Why a question is refused, in Kong's sentence and with the rule that decided; undefined when it is allowed. */
export function refusalOf(rights: Rights | undefined, check: AccessCheck): Problem | undefined {
  if (rights === undefined) return unidentified()
  const { allowed, because } = judge(rights, check)
  if (allowed) return undefined
  const message = `${rights.principal.name}, you do not have permissions to ${check.ask.action} this resource`
  return new Problem('control.forbidden', 403, message, { detail: { because } })
}

/** Whether a question is allowed: some rule must allow it at its path, and none may forbid it at another door. The answer names one ask that is refused. */
export function judge(
  rights: Rights,
  { ask, aliases = [], alsoRequired = [] }: AccessCheck,
): Decision {
  const closed = aliases.find((alias) => verdictOn(rights, alias).says === 'deny')
  // What is asked comes before what only arises because nothing is there, or a refusal would tell that.
  const asked = [closed ?? ask, ...alsoRequired].map((one) => decide(rights, one))
  return asked.find(({ allowed }) => !allowed) ?? decide(rights, ask)
}

/** Nobody could be identified. */
export const unidentified = (): Problem =>
  new Problem('control.unidentified', 401, 'Invalid RBAC credentials')
