import { entriesOf } from '../../entities/entry.ts'
import { verifyPassword } from '../../identity/password.ts'
import { hashSecret } from '../../identity/secret-hash.ts'
import type { Sessions } from '../../identity/sessions.ts'
import { newRecoveryCodes, newTotpSecret, totpStepOf, totpUri } from '../../identity/totp.ts'
import { Problem } from '../../lib/problem.ts'
import type { StoredSession } from '../../schema/session-rows.ts'
import type { Control, Origin } from '../change-configuration.ts'
import { auditSignIn } from './audit-sign-in.ts'

/** Sessions and authenticator apps, managed by people for themselves and by administrators for others. */
export type Account = {
  /** The sessions of a principal that have not expired, newest first. */
  listSessions(principal: string): Promise<StoredSession[]>
  /** The session of a cookie. */
  sessionOf(cookie: string): Promise<StoredSession | undefined>
  /** Ends a session; false when there is none with this id. `by` is the principal who ends it. */
  endSession(principal: string, id: string, by: string, origin: Origin): Promise<boolean>
  /** When an authenticator app was set up, in milliseconds since the epoch, and the number of recovery codes that are left. */
  describeSecondFactor(
    principal: string,
  ): Promise<{ readonly confirmedAt: number; readonly recoveryCodes: number } | undefined>
  /** Starts to set an authenticator app up. One that is set up stays until the new one is confirmed. */
  beginSecondFactor(
    principal: string,
    password: string,
  ): Promise<{ readonly secret: string; readonly uri: string }>
  /** Confirms it by a code, and returns the recovery codes. */
  confirmSecondFactor(principal: string, code: string, origin: Origin): Promise<readonly string[]>
  /** Removes the authenticator app of a principal; false when there is none. */
  removeSecondFactor(principal: string, by: string, origin: Origin): Promise<boolean>
  /** Verifies the password of a principal, for changes of its own sign-in. */
  checkPassword(principal: string, password: string): Promise<void>
}

/** Milliseconds in which a secret must be confirmed. */
const maxEnrolment = 15 * 60_000
const maxEnrolling = 10_000

export function openAccount(control: Control, sessions: Sessions): Account {
  const { secondFactors } = control.store
  /** Secrets that are not confirmed, by principal. */
  const enrolling = new Map<string, { readonly secret: string; readonly until: number }>()
  const fieldsOf = (principal: string) =>
    entriesOf(control.state.entries, 'principal').get(principal)?.fields
  const audit = (origin: Origin, by: string, because: string, status: number): Promise<void> => {
    const principal = control.state.rightsOf(by)?.principal ?? null
    return auditSignIn(control, origin, { principal, because, status })
  }
  const checkPassword = async (principal: string, password: string): Promise<void> => {
    const stored = fieldsOf(principal)?.password
    if (await verifyPassword(password, stored ?? undefined)) return
    throw new Problem('control.password', 403, 'The password is wrong')
  }
  return {
    listSessions: (principal) => sessions.listOf(principal),
    sessionOf: (cookie) => sessions.resume(cookie),
    async endSession(principal, id, by, origin) {
      if (!(await sessions.endOne(principal, id))) return false
      await audit(origin, by, `A session of ${fieldsOf(principal)?.name} ended.`, 204)
      return true
    },
    async describeSecondFactor(principal) {
      const found = await secondFactors.find(principal)
      if (found?.confirmedAt === undefined) return undefined
      return { confirmedAt: found.confirmedAt, recoveryCodes: found.recovery.length }
    },
    async beginSecondFactor(principal, password) {
      await checkPassword(principal, password)
      const secret = newTotpSecret()
      enrolling.delete(principal)
      enrolling.set(principal, { secret, until: control.clock.now() + maxEnrolment })
      if (enrolling.size > maxEnrolling) enrolling.delete(enrolling.keys().next().value ?? '')
      return { secret, uri: totpUri(secret, fieldsOf(principal)?.name ?? '') }
    },
    async confirmSecondFactor(principal, code, origin) {
      const now = control.clock.now()
      const begun = enrolling.get(principal)
      if (begun === undefined || begun.until <= now) throw notBegun()
      const step = totpStepOf(begun.secret, code, { now, lastStep: 0 })
      if (step === undefined) throw wrongCode()
      enrolling.delete(principal)
      const codes = newRecoveryCodes()
      const recovery = codes.map(hashSecret)
      const factor = { secret: begun.secret, recovery, lastStep: step, confirmedAt: now }
      await secondFactors.put(principal, factor)
      const name = fieldsOf(principal)?.name
      await audit(origin, principal, `${name} set an authenticator app up.`, 201)
      return codes
    },
    async removeSecondFactor(principal, by, origin) {
      if (!(await secondFactors.remove(principal))) return false
      await audit(
        origin,
        by,
        `The authenticator app of ${fieldsOf(principal)?.name} was removed.`,
        204,
      )
      return true
    },
    checkPassword,
  }
}

/** Checks the code of a sign-in whose password is right: from the authenticator app, or a recovery code, each accepted once. */
export async function checkSecondFactor(
  { store, clock }: Pick<Control, 'store' | 'clock'>,
  principal: string,
  code: string | undefined,
): Promise<'not needed' | 'right' | 'missing' | 'wrong'> {
  const found = await store.secondFactors.find(principal)
  if (found?.confirmedAt === undefined) return 'not needed'
  if (code === undefined || code === '') return 'missing'
  const given = code.replaceAll(/\s/g, '').toLowerCase()
  const { secret, lastStep } = found
  const step = totpStepOf(secret, given, { now: clock.now(), lastStep })
  const isUsed =
    step === undefined
      ? await store.secondFactors.useRecovery(principal, hashSecret(given))
      : await store.secondFactors.useStep(principal, step)
  return isUsed ? 'right' : 'wrong'
}

const wrongCode = (): Problem =>
  new Problem('control.code', 400, 'The code is wrong; check the clock of your device')

const notBegun = (): Problem =>
  new Problem('control.no_enrolment', 409, 'Start again: the secret was not confirmed in time')
