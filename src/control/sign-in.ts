import { openAttempts } from '../identity/attempts.ts'
import { verifyPassword } from '../identity/password.ts'
import { hashSecret, isSecret } from '../identity/secret-hash.ts'
import { openSessions, type Sessions } from '../identity/sessions.ts'
import { randomSecret } from '../lib/ids.ts'
import { Problem } from '../lib/problem.ts'
import { defaultWorkspace } from '../schema/workspace.ts'
import { changeConfiguration, type Control, type Origin } from './change-configuration.ts'
import { findEntry } from './entity-named.ts'
import { hasSuperAdmin, superAdminOperations } from './first-start.ts'

/** Who signs in, from where, and the cookie they came with. */
export type SignInRequest = {
  readonly name: string
  readonly password: string
  readonly address: string
  readonly former: string | undefined
}

/** How people come in through the Manager. */
export type SignIn = {
  /** Begins a session and returns its cookie; every way to be wrong takes as long and says the same. */
  signIn(request: SignInRequest): Promise<string>
  signOut(cookie: string): Promise<void>
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
  let secret = hasSuperAdmin(control.state.entries) ? undefined : randomSecret()
  await control.store.writeSetting(setting, secret === undefined ? undefined : hashSecret(secret))
  return {
    sessions,
    async signIn({ name, password, address, former }) {
      attempts.enter(name, address)
      const principal = findEntry(control.state.entries, {
        entity: 'principal',
        workspace: null,
        at: name,
      })
      const kept = principal?.fields['password'] as string | null | undefined
      const isRight = await verifyPassword(password, kept ?? undefined)
      if (!isRight || principal?.fields['enabled'] !== true) {
        throw new Problem('control.sign_in', 401, 'The name or the password is not right')
      }
      attempts.succeed(name, address)
      return sessions.begin(principal.id, former)
    },
    signOut: (cookie) => sessions.end(cookie),
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
          asker: 'weir',
          question: { ask: { workspace: defaultWorkspace, path: '/setup', action: 'create' } },
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
