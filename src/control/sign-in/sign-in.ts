import { systemPrincipal } from '../permit.ts'
import { openAttempts } from '../../identity/attempts.ts'
import { verifyPassword } from '../../identity/password.ts'
import { hashSecret, isSecret } from '../../identity/secret-hash.ts'
import { openSessions, type Sessions } from '../../identity/sessions.ts'
import { randomSecret, uuidv7 } from '../../lib/ids.ts'
import { Problem } from '../../lib/problem.ts'
import type { Entry } from '../../entities/entry.ts'
import type { AuditRecord } from '../../schema/audit-record.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import { changeConfiguration, type Control, type Origin } from '../change-configuration.ts'
import { findEntry } from '../find-entry.ts'
import { hasSuperAdmin, superAdminOperations } from '../first-start.ts'

/** Who signs in, from where, and the cookie they came with. */
export type SignInRequest = {
  readonly name: string
  readonly password: string
  readonly origin: Origin
  readonly former: string | undefined
}

/** How people come in through the Manager. */
export type SignIn = {
  /** Begins a session and returns its cookie; every way to be wrong takes as long and says the same. */
  signIn(request: SignInRequest): Promise<string>
  /** Ends the session of a principal. */
  signOut(cookie: string, principal: string, origin: Origin): Promise<void>
  /** The secret of the one-time set-up link, while there is no super-admin. */
  setUpSecret(): string | undefined
  /** Makes the first super-admin, once. */
  setUp(request: { secret: string; name: string; password: string }, origin: Origin): Promise<void>
}

const setting = 'set_up_secret_sha256'

/** Opens sign-in and set-up; a new start makes a new set-up secret. */
export async function openSignIn(control: Control): Promise<SignIn & { sessions: Sessions }> {
  const sessions = openSessions(control.store.sessions, control.clock)
  const attempts = openAttempts(control.clock)
  const note = (origin: Origin, what: Parameters<typeof describeSignIn>[2]): Promise<void> =>
    control.ledger.keep(describeSignIn(control.clock.now(), origin, what))
  let secret = hasSuperAdmin(control.state.entries) ? undefined : randomSecret()
  await control.store.writeSetting(setting, secret === undefined ? undefined : hashSecret(secret))
  return {
    sessions,
    async signIn({ name, password, origin, former }) {
      attempts.enter(name, origin.address)
      const principal = findEntry(control.state.entries, {
        entity: 'principal',
        workspace: null,
        at: name,
      })
      const kept = principal?.fields.password
      const isRight = await verifyPassword(password, kept ?? undefined)
      if (!isRight || principal?.fields.enabled !== true) {
        const because = whyNot(principal, isRight)
        await note(origin, { principal: null, because, status: 401 })
        throw new Problem('control.sign_in', 401, 'The name or the password is not right')
      }
      attempts.succeed(name, origin.address)
      const cookie = await sessions.begin(principal.id, former)
      const because = 'The name and the password are right.'
      await note(origin, { principal: { id: principal.id, name }, because, status: 200 })
      return cookie
    },
    async signOut(cookie, principal, origin) {
      await sessions.end(cookie)
      const known = control.state.rightsOf(principal)?.principal ?? null
      const because = 'Everybody may end their own session.'
      await note(origin, { principal: known, because, status: 204 })
    },
    setUpSecret: () => secret,
    async setUp({ secret: given, name, password }, origin) {
      attempts.enter('', origin.address)
      const kept = await control.store.readSetting(setting)
      if (kept === undefined || secret === undefined || !isSecret(given, kept)) {
        throw new Problem('control.set_up', 403, 'The set-up link is not valid, or was used before')
      }
      const used = secret
      secret = undefined
      try {
        await changeConfiguration(control, {
          principal: systemPrincipal,
          check: { ask: { workspace: defaultWorkspace, path: '/setup', action: 'create' } },
          origin,
          operations: superAdminOperations(control.state.entries, name, password),
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

/** For the audit log only. A name that nobody has is not kept: people type passwords there. */
function whyNot(principal: Entry<'principal'> | undefined, isRight: boolean): string {
  if (principal === undefined) return 'No principal has the name that was given.'
  const { name } = principal.fields
  return isRight ? `${name} is disabled.` : `The password given for ${name} is wrong.`
}

/** The audit record of a sign-in or sign-out. */
const describeSignIn = (
  time: number,
  origin: Origin,
  { principal, because, status }: Pick<AuditRecord, 'principal' | 'because' | 'status'>,
): AuditRecord => ({
  ...origin,
  id: uuidv7(time),
  time,
  principal,
  workspace: defaultWorkspace.name,
  workspaceId: defaultWorkspace.id,
  action: origin.method === 'DELETE' ? 'delete' : 'create',
  allowed: status < 400,
  because,
  before: [],
  after: [],
  status,
  revision: null,
})
