import { identify, type Headers, type Identified } from '../../identity/identify.ts'
import { isSignedJwt } from '../../identity/verify-jwt.ts'
import { hashSecret } from '../../identity/secret-hash.ts'
import type { Sessions } from '../../identity/sessions.ts'
import type { Entry } from '../../entities/entry.ts'
import type { Control } from '../change-configuration.ts'
import type { ProviderSignIn } from './open-provider-sign-in.ts'
import type { TokenUseTracker } from './open-token-uses.ts'

/** Authenticates requests by token, access token of the provider or session cookie, and records the use of tokens. */
export function openIdentify(
  control: Control,
  sessions: Sessions,
  tokenUses: TokenUseTracker,
  provider: ProviderSignIn | undefined,
): (headers: Headers, address?: string) => Promise<Identified | undefined> {
  return (headers, address = '') =>
    identify(headers, {
      async findByToken(token) {
        const found = tokenIn(control, token)
        if (found === undefined && provider !== undefined && isSignedJwt(token))
          return provider.principalOf(token, address)
        if (found !== undefined) await tokenUses.record(found.id, address)
        return found === undefined ? undefined : found.fields.principal.id
      },
      async findByCookie(cookie) {
        const principal = (await sessions.resume(cookie))?.principal
        const isEnabled = principal !== undefined && control.state.rightsOf(principal) !== undefined
        return isEnabled ? principal : undefined
      },
    })
}

/** The unexpired token with this secret whose principal is enabled. */
function tokenIn({ state, clock }: Control, token: string): Entry<'token'> | undefined {
  const entry = state.tokenOf(hashSecret(token))
  const expiresAt = entry?.fields.expires_at
  const principal = entry?.fields.principal.id
  if (principal === undefined || state.rightsOf(principal) === undefined) return undefined
  const isOver = typeof expiresAt === 'number' && expiresAt * 1000 <= clock.now()
  return isOver ? undefined : entry
}
