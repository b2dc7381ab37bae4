import type { HeldRole, Rights } from '../../access/rights.ts'
import { entriesOf, type Entry } from '../../entities/entry.ts'
import type { Claims } from '../../identity/claims.ts'
import type { SignInProvider } from '../../identity/open-provider.ts'
import type { ProviderIdentity } from '../../identity/read-identity.ts'
import { Problem } from '../../lib/problem.ts'
import type { Control } from '../change-configuration.ts'
import { grantedRoles, rolesOfGroups } from '../state/state.ts'
import { identityOf } from './apply-identity.ts'

/** The effect that an access token of the provider would have. */
export type InspectedToken =
  | { readonly refusal: string; readonly identity?: never }
  | {
      readonly refusal?: never
      readonly identity: ProviderIdentity
      readonly claims: Claims
      readonly principal: Entry<'principal'> | undefined
      /** Roles that are granted to the principal by hand. */
      readonly granted: readonly HeldRole[]
      /** Roles of the groups in the claims. */
      readonly mapped: readonly HeldRole[]
      readonly rights: Rights
    }

/** Verifies a token as the Admin API does, and reads what it would give. Changes nothing. */
export async function inspectToken(
  control: Control,
  provider: SignInProvider,
  token: string,
): Promise<InspectedToken> {
  const { state } = control
  try {
    const { identity, claims } = await provider.verifyAccessToken(token)
    const known = identityOf(control, identity)
    const principal = known && entriesOf(state.entries, 'principal').get(known.fields.principal.id)
    const granted = principal === undefined ? [] : grantedRoles(state.indexes, principal.id)
    const mapped = rolesOfGroups(state.indexes, identity.groups)
    const who = {
      id: principal?.id ?? '',
      name: principal?.fields.name ?? identity.name,
      kind: identity.isClient ? 'service-account' : 'user',
    }
    const rights = state.rightsWith(who, [...granted, ...mapped])
    return { identity, claims, principal, granted, mapped, rights }
  } catch (error) {
    if (!(error instanceof Problem) || error.status === 503) throw error
    return { refusal: error.record ?? error.message }
  }
}
