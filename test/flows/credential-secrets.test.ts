import { createHmac } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startUpstream } from '../harness/start-upstream.ts'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

/** Secrets of each kind, none of which has a part of another. */
const secrets = {
  key: 'marker-api-key-1Qz',
  basic: 'marker-password-2Wx',
  hmac: 'marker-hmac-secret-3Ec',
  hmacBefore: 'marker-hmac-before-4Rv',
  jwt: 'marker-jwt-secret-5Tb',
  jwtBefore: 'marker-jwt-before-6Yn',
  oauth2: 'marker-client-secret-7Um',
  session: 'marker-session-secret-8Ik',
  introspection: 'Basic marker-authorization-9Ol',
  wrongKey: 'marker-wrong-key-0Pa',
  wrongPassword: 'marker-wrong-password-1Sd',
  token: 'marker-access-token-2Fg',
}

/** Every text in the files below a directory. */
const filesBelow = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile() === true)

async function configure(weir: TestWeir, port: number): Promise<void> {
  const make = async (method: string, path: string, body: object) => {
    const response = await weir.admin(method, path, body)
    expect([path, response.status]).toEqual([path, method === 'PUT' ? 200 : 201])
  }
  await make('PUT', '/services/api', { host: '127.0.0.1', port })
  const introspection_url = `http://127.0.0.1:${port}/introspect`
  const plugins: Record<string, object> = {
    'key-auth': { key_in_body: true, anonymous: null },
    'basic-auth': {},
    'hmac-auth': {},
    jwt: {},
    session: { secret: secrets.session },
    'oauth2-introspection': { introspection_url, authorization_value: secrets.introspection },
  }
  for (const [name, config] of Object.entries(plugins)) {
    await make('PUT', `/routes/${name}`, { paths: [`/${name}`], service: { name: 'api' } })
    await make('POST', `/routes/${name}/plugins`, { name, config })
  }
  await make('PUT', '/consumers/ann', {})
  const add = (kind: string, body: object) => make('POST', `/consumers/ann/${kind}`, body)
  await add('key-auth', { key: secrets.key })
  await add('basic-auth', { username: 'ann', password: secrets.basic })
  await add('hmac-auth', { username: 'ann', secret: secrets.hmacBefore })
  await add('jwt', { key: 'ann', secret: secrets.jwtBefore })
  await add('oauth2', { name: 'app', client_id: 'app', client_secret: secrets.oauth2 })
  const rotate = (kind: string, secret: string) =>
    make('POST', `/consumers/ann/${kind}/ann/rotate`, { secret, overlap: 3600 })
  await rotate('hmac-auth', secrets.hmac)
  await rotate('jwt', secrets.jwt)
}

/** Requests with secrets in every place, accepted and refused. */
function requests(): readonly (readonly [path: string, init: RequestInit])[] {
  const basic = (password: string) => ({
    headers: { authorization: `Basic ${Buffer.from(`ann:${password}`).toString('base64')}` },
  })
  const date = new Date().toUTCString()
  const signature = createHmac('sha256', secrets.hmac).update(`date: ${date}`).digest('base64')
  const parts = `username="ann", algorithm="hmac-sha256", headers="date"`
  return [
    ['/key-auth', { headers: { apikey: secrets.key } }],
    [`/key-auth?apikey=${secrets.key}`, {}],
    [`/key-auth?apikey=${secrets.wrongKey}`, {}],
    [`/key-auth?a=${secrets.key}`, { headers: { apikey: secrets.key } }],
    [`/key-auth`, { method: 'POST', body: new URLSearchParams({ apikey: secrets.key }) }],
    ['/basic-auth', basic(secrets.basic)],
    ['/basic-auth', basic(secrets.wrongPassword)],
    ['/hmac-auth', { headers: { date, authorization: `hmac ${parts}, signature="${signature}"` } }],
    [`/jwt?jwt=${secrets.token}`, {}],
    [`/oauth2-introspection?access_token=${secrets.token}`, {}],
    ['/oauth2-introspection', { headers: { authorization: `Bearer ${secrets.token}` } }],
    ['/session', { headers: { cookie: `session=${secrets.token}` } }],
  ]
}

test('no secret of a credential is in clear in files, events, audit records or logs', async () => {
  const { port } = await startUpstream((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(request.url === '/introspect' ? '{"active":false}' : '{}')
  })
  const weir = await startWeir({ env: { WEIR_WORKERS: '1', WEIR_LOG_LEVEL: 'debug' } })
  await configure(weir, port)
  await weir.untilApplied()
  const sent = requests()
  const statuses: number[] = []
  for (const [path, init] of sent) {
    const response = await fetch(`${weir.proxyUrl}${path}`, init)
    await response.text()
    statuses.push(response.status)
  }
  expect(statuses).toEqual([200, 200, 401, 200, 200, 200, 401, 200, 401, 401, 401, 200])
  const columns = [
    'path',
    'query',
    'credential',
    'subject',
    'reason',
    'user_agent',
    'route',
    'status',
  ]
  const dimensions = columns.map((name) => `requests.${name}`)
  const { data } = await until('all requests to be recorded', async () => {
    const answer = await weir.query({ ungrouped: true, dimensions, limit: 1000 })
    return answer.data.length === sent.length ? answer : undefined
  })
  const audit = await (await weir.admin('GET', '/audit?size=1000')).text()
  expect(audit).toContain('oauth2-introspection')
  const places: readonly (readonly [string, string])[] = [
    ['events', JSON.stringify(data)],
    ['audit', audit],
    ['revisions', await (await weir.admin('GET', '/config/revisions?size=1000')).text()],
    ['log', weir.output()],
    ...filesBelow(weir.data).map((file) => [file, readFileSync(file, 'latin1')] as const),
  ]
  expect(places.length).toBeGreaterThan(10)
  const forms = Object.values(secrets).flatMap((secret) => {
    const word = secret.replace('Basic ', '')
    return [word, Buffer.from(word).toString('base64').replace(/=+$/, '').slice(0, -2)]
  })
  const found = places.flatMap(([place, text]) =>
    forms.filter((form) => text.includes(form)).map((form) => `${place}: ${form}`),
  )
  expect(found).toEqual([])
}, 120_000)
