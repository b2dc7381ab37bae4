import { decide } from '../access/decide.ts'
import type { Ask, Decision } from '../access/rights.ts'
import { Problem } from '../lib/problem.ts'
import type { State } from './state.ts'

/** Who asks: a principal, or the program itself, which may do everything. */
export type Asker = { readonly principal: string } | 'weir'

/** The decision that allows what is asked; refuses with Kong's sentence and the rule that decided. */
export function permit(state: State, asker: Asker, ask: Ask): Decision {
  if (asker === 'weir') return { allowed: true, because: 'Weir itself did this.' }
  const rights = state.rightsOf(asker.principal)
  if (rights === undefined) throw unknownAsker()
  const decision = decide(rights, ask)
  if (decision.allowed) return decision
  const message = `${rights.asker.name}, you do not have permissions to ${ask.action} this resource`
  throw new Problem('control.forbidden', 403, message, { detail: { because: decision.because } })
}

/** Nobody could be identified. */
export const unknownAsker = (): Problem =>
  new Problem('control.unidentified', 401, 'Invalid RBAC credentials')
