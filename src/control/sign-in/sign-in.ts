import { createHmac } from 'node:crypto'
import { systemPrincipal } from '../permit.ts'
import { openAttempts } from '../../identity/attempts.ts'
import { verifyPassword } from '../../identity/password.ts'
import { hashSecret, isSecret } from '../../identity/secret-hash.ts'
import { openSessions, type Sessions } from '../../identity/sessions.ts'
import { randomSecret } from '../../lib/ids.ts'
import { Problem } from '../../lib/problem.ts'
import type { Entry } from '../../entities/entry.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import { changeConfiguration, type Control, type Origin } from '../change-configuration.ts'
import { findEntry } from '../find-entry.ts'
import { superAdminOperations } from '../bootstrap.ts'
import { hasSuperAdmin } from '../keep-super-admin.ts'
import { auditSignIn, type SignInOutcome } from './audit-sign-in.ts'
import { checkSecondFactor } from './open-account.ts'

/** A request to sign in. */
export type SignInRequest = {
  readonly name: string
  readonly password: string
  /** From an authenticator app, or a recovery code. */
  readonly code?: string | undefined
  readonly origin: Origin
  readonly userAgent?: string | undefined
  /** Session cookie of the request; its session ends. */
  readonly former: string | undefined
}

/** Sign-in of people through the Manager. */
export type SignIn = {
  /** Starts a session and returns its cookie. Unknown names and wrong passwords fail with the same error after the same time. */
  signIn(request: SignInRequest): Promise<string>
  /** The token that changes by this session need. Only the control plane can compute it, and only the answer of a sign-in contains it, so that a stolen cookie changes nothing. */
  csrfToken(cookie: string): string
  /** Returns whether the session was begun at the identity provider. */
  signOut(cookie: string, principal: string, origin: Origin): Promise<boolean>
  /** The secret of the one-time set-up link; undefined once a super-admin exists. */
  setUpSecret(): string | undefined
  /** Creates the first super-admin. Works once per set-up secret. */
  setUp(request: { secret: string; name: string; password: string }, origin: Origin): Promise<void>
}

const setting = 'set_up_secret_sha256'

/** Opens sign-in and set-up. Every start creates a new set-up secret. */
export async function openSignIn(control: Control): Promise<SignIn & { sessions: Sessions }> {
  const sessions = openSessions(control.store.sessions, control.clock)
  const attempts = openAttempts(control.clock)
  const writeAudit = (origin: Origin, what: SignInOutcome): Promise<void> =>
    auditSignIn(control, origin, what)
  let secret = hasSuperAdmin(control.state.indexes, control.clock.now() / 1000)
    ? undefined
    : randomSecret()
  await control.store.writeSetting(setting, secret === undefined ? undefined : hashSecret(secret))
  return {
    sessions,
    async signIn({ name, password, code, origin, userAgent, former }) {
      attempts.enter(name, origin.address)
      const principal = findEntry(control.state.indexes, {
        entity: 'principal',
        workspace: null,
        at: name,
      })
      const storedHash = principal?.fields.password
      const isRight = await verifyPassword(password, storedHash ?? undefined)
      if (!isRight || principal?.fields.enabled !== true) {
        const because = failureReason(principal, isRight)
        await writeAudit(origin, { principal: null, because, status: 401 })
        throw new Problem('control.sign_in', 401, 'Invalid name or password')
      }
      const second = await checkSecondFactor(control, principal.id, code)
      if (second === 'missing' || second === 'wrong') {
        const because = `The password of ${name} is correct, and the code of the authenticator app is ${second}.`
        await writeAudit(origin, { principal: null, because, status: 401 })
        throw second === 'missing' ? codeMissing() : codeWrong()
      }
      attempts.succeed(name, origin.address)
      const session = { principal: principal.id, address: origin.address, userAgent }
      const cookie = await sessions.begin(session, former)
      const because = 'The name and password are correct.'
      await writeAudit(origin, { principal: { id: principal.id, name }, because, status: 200 })
      return cookie
    },
    csrfToken: (cookie) =>
      createHmac('sha256', control.sealKey).update(`csrf ${cookie}`).digest('base64url'),
    async signOut(cookie, principal, origin) {
      const session = await sessions.resume(cookie)
      await sessions.end(cookie)
      const known = control.state.rightsOf(principal)?.principal ?? null
      const because = 'Everybody may end their own session.'
      await writeAudit(origin, { principal: known, because, status: 204 })
      return session?.identity !== undefined
    },
    setUpSecret: () => secret,
    async setUp({ secret: given, name, password }, origin) {
      attempts.enter('', origin.address)
      const storedHash = await control.store.readSetting(setting)
      if (storedHash === undefined || secret === undefined || !isSecret(given, storedHash)) {
        throw new Problem('control.set_up', 403, 'The set-up link is invalid or was already used')
      }
      const used = secret
      secret = undefined
      try {
        await changeConfiguration(control, {
          principal: systemPrincipal,
          check: { ask: { workspace: defaultWorkspace, path: '/setup', action: 'create' } },
          origin,
          operations: superAdminOperations(control.state.indexes, name, password),
          status: 201,
        })
      } catch (error) {
        secret = used
        throw error
      }
      await control.store.writeSetting(setting, undefined)
    },
  }
}

const codeMissing = (): Problem =>
  new Problem('control.code_missing', 401, 'Enter the code of your authenticator app')

const codeWrong = (): Problem =>
  new Problem('control.code_wrong', 401, 'The code is wrong, or was used before')

/** For the audit log only. Unknown names are not logged, because users type passwords into the name field by mistake. */
function failureReason(principal: Entry<'principal'> | undefined, isRight: boolean): string {
  if (principal === undefined) return 'No principal has this name.'
  const { name } = principal.fields
  return isRight ? `${name} is disabled.` : `The password for ${name} is wrong.`
}
