import { entriesOf, type Entry } from '../../entities/entry.ts'
import type { LogoutToken, PendingSignIn, SignInProvider } from '../../identity/open-provider.ts'
import { openCookieSeal } from '../../identity/seal-cookies.ts'
import type { Sessions } from '../../identity/sessions.ts'
import { Problem } from '../../lib/problem.ts'
import type { Control, Origin } from '../change-configuration.ts'
import { applyIdentity, identityOf } from './apply-identity.ts'
import { auditSignIn } from './audit-sign-in.ts'
import { inspectToken, type InspectedToken } from './inspect-token.ts'

/** A response of the provider that a browser brought. */
export type ProviderAnswer = {
  /** The parameters of the redirect. */
  readonly answer: URLSearchParams
  /** Cookies of sign-ins that this browser began. */
  readonly pending: readonly string[]
  readonly origin: Origin
  readonly userAgent: string | undefined
  /** Session cookie of the request; its session ends. */
  readonly former: string | undefined
}

/** Sign-in by an OpenID Connect provider. */
export type ProviderSignIn = {
  /** Name of the provider on the sign-in page. */
  readonly label: string
  readonly issuer: string
  readonly redirectUri: () => string
  /** Authorization URL, and the cookie that identifies the browser on its return. `next` is the requested page. */
  begin(next: string | undefined): Promise<{ readonly url: string; readonly cookie: string }>
  /** Starts a session. `used` is the index of the pending cookie that is over. */
  complete(given: ProviderAnswer): Promise<{
    readonly cookie: string
    readonly next: string | undefined
    readonly used: number
  }>
  /** The id of the principal of an access token, with its groups applied. Throws a Problem 401 or 403. */
  principalOf(token: string, address: string): Promise<string>
  /** Verifies an access token and describes its effect, without signing anybody in. Leaves an audit record, and no trace of the token. */
  inspect(token: string, by: string, origin: Origin): Promise<InspectedToken>
  /** Ends the sessions that a logout token names (OpenID Connect Back-Channel Logout). */
  logOut(token: string, origin: Origin): Promise<void>
  endSessionUrl(): Promise<string | undefined>
}

/** Milliseconds. */
const maxPendingAge = 10 * 60_000
const maxUsed = 10_000

export function openProviderSignIn(
  control: Control,
  sessions: Sessions,
  provider: SignInProvider,
): ProviderSignIn {
  const { issuer, label, redirectUri } = provider.settings
  const seal = openCookieSeal(control.sealKey, 'sign-in')
  const usedStates = openUsedOnce(control)
  const usedLogouts = openUsedOnce(control)
  const open = (text: string): Pending | undefined => {
    const pending = seal.open(text, issuer) as Pending | undefined
    return pending !== undefined && control.clock.now() - pending.at < maxPendingAge
      ? pending
      : undefined
  }
  return {
    label,
    issuer,
    redirectUri,
    async begin(next) {
      const { url, ...pending } = await provider.begin()
      const cookie = {
        ...pending,
        at: control.clock.now(),
        next: isOwnPath(next) ? next : undefined,
      }
      return { url, cookie: seal.seal(cookie satisfies Pending, issuer) }
    },
    async complete({ answer, pending: cookies, origin, userAgent, former }) {
      const state = answer.get('state') ?? ''
      const opened = cookies.map(open)
      const used = opened.findIndex((pending) => pending?.state === state)
      const pending = opened[used]
      if (pending === undefined || !usedStates.take(state, pending.at + maxPendingAge))
        throw unknownSignIn()
      const identity = await provider.redeem(answer, pending)
      const applied = await applyIdentity(control, {
        identity,
        createsUsers: provider.settings.createsUsers,
        origin,
      })
      const { principal } = applied
      const session = {
        principal: principal.id,
        address: origin.address,
        userAgent,
        identity: applied.identity.id,
        sid: identity.sid,
      }
      const cookie = await sessions.begin(session, former)
      await auditSignIn(control, origin, {
        principal: { id: principal.id, name: principal.fields.name },
        because: `Signed in at ${issuer} as ${identity.subject}. ${describeGroups(identity.groups)}`,
        status: 200,
      })
      return { cookie, next: pending.next, used }
    },
    async principalOf(token, address) {
      const { identity } = await provider.verifyAccessToken(token)
      const origin = { requestId: '', address, method: '', path: '' }
      const { principal } = await applyIdentity(control, {
        identity,
        createsUsers: provider.settings.createsUsers,
        origin,
      })
      return principal.id
    },
    async inspect(token, by, origin) {
      const inspected = await inspectToken(control, provider, token)
      await auditSignIn(control, origin, {
        principal: control.state.rightsOf(by)?.principal ?? null,
        because:
          inspected.identity === undefined
            ? 'Inspected a token that is not valid.'
            : `Inspected a token of ${inspected.identity.subject} at ${issuer}.`,
        status: 200,
      })
      return inspected
    },
    async logOut(token, origin) {
      const logout = await provider.verifyLogoutToken(token)
      if (!usedLogouts.take(logout.id, logout.expiresAt)) throw usedLogout()
      const ended = await sessions.endOfProvider(sessionsOf(control, issuer, logout))
      for (const principal of new Set(ended.map((session) => session.principal))) {
        const name = nameOf(control, principal)
        await auditSignIn(control, origin, {
          principal: { id: principal, name },
          because: `${issuer} ended the session of ${name}.`,
          status: 200,
        })
      }
    },
    endSessionUrl: () => provider.endSessionUrl(new URL('/sign-in', redirectUri()).href),
  }
}

type Pending = PendingSignIn & { readonly at: number; readonly next: string | undefined }

/** A logout token without `sid` ends all sessions of its subject. */
function sessionsOf(control: Control, issuer: string, { sid, subject = '' }: LogoutToken) {
  if (sid !== undefined) return { sid }
  const identity = identityOf(control, { issuer, subject })
  return identity === undefined ? undefined : { identity: identity.id }
}

const nameOf = ({ state }: Control, principal: string): string =>
  (entriesOf(state.entries, 'principal').get(principal) as Entry<'principal'> | undefined)?.fields
    .name ?? ''

const describeGroups = (groups: readonly string[]): string =>
  groups.length === 0 ? 'No groups.' : `Groups: ${groups.slice(0, 50).join(', ')}.`

/** Whether a path stays on this site: `//host` and `/\host` do not, and browsers drop tabs and line breaks. */
const isOwnPath = (next: string | undefined): next is string =>
  next !== undefined && /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(next) && next.length <= 1000

/** Texts that are accepted once until they expire; the oldest are forgotten beyond a number. */
function openUsedOnce({ clock }: Pick<Control, 'clock'>) {
  const used = new Map<string, number>()
  return {
    /** False when the text was taken before. */
    take(text: string, expiresAt: number): boolean {
      const now = clock.now()
      for (const [one, end] of used) {
        if (end > now && used.size < maxUsed) break
        used.delete(one)
      }
      if (used.has(text)) return false
      used.set(text, expiresAt)
      return true
    },
  }
}

const unknownSignIn = (): Problem =>
  new Problem(
    'control.unknown_sign_in',
    401,
    'This sign-in was not begun in this browser, took too long or was completed before; sign in again',
  )

const usedLogout = (): Problem =>
  new Problem('control.used_logout', 400, 'The logout token was used before')
