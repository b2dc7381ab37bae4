import { afterAll, beforeAll, expect, test } from 'vitest'
import { totpCode } from '../../src/identity/totp.ts'
import { startTestAdmin } from './admin-harness.ts'
import { openPerson } from './sign-in-harness.ts'

let admin: Awaited<ReturnType<typeof startTestAdmin>>
let now = Date.now()
const password = 'a-long-enough-password'

beforeAll(async () => {
  admin = await startTestAdmin({ clock: { now: () => now } })
})
afterAll(() => admin?.close())

/** Somebody with a password who is signed in. */
async function openUser(name: string) {
  await admin.ask('POST', '/rbac/users', { name, password })
  const person = openPerson(admin)
  const signIn = (code?: string) =>
    person.ask('POST', '/api/session', { name, password, ...(code === undefined ? {} : { code }) })
  const signedIn = (await (await signIn()).json()) as { csrf_token: string }
  let token = signedIn.csrf_token
  return {
    person,
    async signIn(code?: string) {
      const response = await signIn(code)
      const body = (await response.json()) as { csrf_token?: string; code?: string }
      token = body.csrf_token ?? token
      return [response.status, body.code]
    },
    ask: (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown) =>
      person.ask(method, path, body, { 'x-csrf-token': token }),
    async json(method: 'GET' | 'POST', path: string, body?: unknown) {
      // oxlint-disable-next-line typescript/no-explicit-any -- answers of every shape
      return (await (await this.ask(method, path, body)).json()) as any
    },
  }
}

const codeAt = (secret: string, time: number) => totpCode(secret, Math.floor(time / 30_000))
const records = async (because: string) =>
  (await admin.configuration.audit.read({}, 100)).filter((one) => one.because.includes(because))

test('computes the codes of RFC 6238 appendix B', () => {
  const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'
  for (const [seconds, code] of [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_111_111_111, '050471'],
    [1_234_567_890, '005924'],
    [2_000_000_000, '279037'],
    [20_000_000_000, '353130'],
  ] as const)
    expect(codeAt(secret, seconds * 1000)).toBe(code)
})

test('an authenticator app is set up by its code, and from then on asked for at each sign-in', async () => {
  const ann = await openUser('ann')
  const path = '/api/account/second-factor'
  expect((await ann.ask('POST', path, { password: 'wrong' })).status).toBe(403)
  const begun = await ann.json('POST', path, { password })
  expect(begun.uri).toBe(`otpauth://totp/Weir%3Aann?secret=${begun.secret}&issuer=Weir`)
  expect(begun.secret).toMatch(/^[A-Z2-7]{32}$/)
  // Not before it is confirmed.
  expect(await ann.signIn()).toEqual([200, undefined])
  expect((await ann.ask('POST', `${path}/confirm`, { code: '000000' })).status).toBe(400)
  const confirmed = await ann.json('POST', `${path}/confirm`, { code: codeAt(begun.secret, now) })
  expect(confirmed.recovery_codes).toHaveLength(10)
  expect(await records('ann set an authenticator app up')).toHaveLength(1)
  expect(await ann.json('GET', '/api/account')).toMatchObject({
    second_factor: { recovery_codes: 10 },
  })

  expect(await ann.signIn()).toEqual([401, 'control.code_missing'])
  expect(await ann.signIn('123456')).toEqual([401, 'control.code_wrong'])
  // The code that confirmed the secret was used.
  expect(await ann.signIn(codeAt(begun.secret, now))).toEqual([401, 'control.code_wrong'])
  now += 30_000
  expect(await ann.signIn(codeAt(begun.secret, now))).toEqual([200, undefined])
  expect(await ann.signIn(codeAt(begun.secret, now))).toEqual([401, 'control.code_wrong'])
  expect(await ann.signIn(codeAt(begun.secret, now + 30_000))).toEqual([200, undefined])
  now += 3600_000
  const [recovery] = confirmed.recovery_codes
  expect(await ann.signIn(recovery)).toEqual([200, undefined])
  expect(await ann.signIn(recovery)).toEqual([401, 'control.code_wrong'])
  expect(await records('The password of ann is correct, and the code')).not.toHaveLength(0)
  // Neither secret nor codes are in the audit log.
  const log = JSON.stringify(await admin.configuration.audit.read({}, 1000))
  for (const secret of [begun.secret, ...confirmed.recovery_codes])
    expect(log).not.toContain(secret)
  expect((await ann.ask('POST', `${path}/remove`, { password: 'wrong' })).status).toBe(403)
  expect((await ann.ask('POST', `${path}/remove`, { password })).status).toBe(204)
  expect(await ann.signIn()).toEqual([200, undefined])
})

test('of six sign-ins at once with one code, one succeeds', async () => {
  const eve = await openUser('eve')
  const { secret } = await eve.json('POST', '/api/account/second-factor', { password })
  await eve.json('POST', '/api/account/second-factor/confirm', { code: codeAt(secret, now) })
  now += 3600_000
  const code = codeAt(secret, now)
  const statuses = await Promise.all(Array.from({ length: 6 }, () => eve.signIn(code)))
  expect(statuses.filter(([status]) => status === 200)).toHaveLength(1)
})

test('people see and end their own sessions, and no others', async () => {
  const [bob, other] = [await openUser('bob'), await openUser('carl')]
  const second = openPerson(admin)
  const local = { name: 'bob', password }
  await second.ask('POST', '/api/session', local, { 'user-agent': 'A browser' })
  const { sessions } = await bob.json('GET', '/api/account')
  expect(sessions).toHaveLength(2)
  expect(sessions.filter((one: { current: boolean }) => one.current)).toHaveLength(1)
  const elsewhere = sessions.find((one: { current: boolean }) => !one.current)
  expect(elsewhere).toMatchObject({ user_agent: 'A browser', address: '127.0.0.1', by: 'password' })
  expect(JSON.stringify(sessions)).not.toContain([...bob.person.browser.cookies.values()][0])
  expect((await other.ask('DELETE', `/api/account/sessions/${elsewhere.id}`)).status).toBe(404)
  expect((await second.ask('GET', '/api/session')).status).toBe(200)
  expect((await bob.ask('DELETE', `/api/account/sessions/${elsewhere.id}`)).status).toBe(204)
  expect((await second.ask('GET', '/api/session')).status).toBe(401)
  expect((await bob.ask('GET', '/api/session')).status).toBe(200)
})

test('administrators list and end sessions, and remove an authenticator app that was lost', async () => {
  const dan = await openUser('dan')
  const { secret } = await dan.json('POST', '/api/account/second-factor', { password })
  await dan.json('POST', '/api/account/second-factor/confirm', { code: codeAt(secret, now) })
  expect((await admin.ask('GET', '/rbac/users/dan/second-factor')).body).toMatchObject({
    recovery_codes: 10,
  })
  const { body } = await admin.ask('GET', '/rbac/users/dan/sessions')
  expect(body.data).toHaveLength(1)
  expect((await admin.ask('DELETE', `/rbac/users/dan/sessions/${body.data[0].id}`)).status).toBe(
    204,
  )
  expect((await dan.ask('GET', '/api/session')).status).toBe(401)
  expect(await records('A session of dan ended.')).toMatchObject([{ principal: { name: 'admin' } }])
  expect((await admin.ask('DELETE', '/rbac/users/dan/second-factor')).status).toBe(204)
  expect((await admin.ask('DELETE', '/rbac/users/dan/second-factor')).status).toBe(404)
  expect(await dan.signIn()).toEqual([200, undefined])
  expect((await admin.ask('DELETE', '/rbac/users/dan/sessions')).status).toBe(204)
  expect((await dan.ask('GET', '/api/session')).status).toBe(401)
})

test('an authenticator app is in no answer about its user, and goes with it', async () => {
  const fay = await openUser('fay')
  const { secret } = await fay.json('POST', '/api/account/second-factor', { password })
  await fay.json('POST', '/api/account/second-factor/confirm', { code: codeAt(secret, now) })
  const { body } = await admin.ask('GET', '/rbac/users/fay')
  expect(JSON.stringify(body)).not.toContain(secret)
  await admin.ask('DELETE', '/rbac/users/fay')
  expect(await admin.configuration.account.describeSecondFactor(body.id)).toBeUndefined()
})
