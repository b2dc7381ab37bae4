import { createHash } from 'node:crypto'
import { listsOf } from '../../src/schema/snapshot.ts'
import { expect, test } from 'vitest'
import { adminRoutes } from '../../src/admin/open-admin.ts'
import { reservedNames } from '../../src/entities/reserved-names.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { addPrincipal, openTestAdmin } from './admin-harness.ts'

test('rejects a workspace named like a path', () => {
  const routes = adminRoutes({ version: '', node: '', requests: () => 0 })
  const segments = routes.map(({ path }) => path.split('/')[1] ?? '')
  const free = segments.filter((segment) => segment !== '' && !reservedNames.has(segment))
  expect([...new Set(free)]).toEqual([])
})

test('adds and removes group members from either side', async () => {
  const { ask } = await openTestAdmin()
  for (const name of ['ann', 'bob']) await ask('PUT', `/consumers/${name}`, {})
  await ask('POST', '/consumer_groups', { name: 'gold' })
  await ask('POST', '/consumer_groups', { name: 'early' })
  const joined = await ask('POST', '/consumer_groups/gold/consumers', { consumer: ['ann', 'bob'] })
  expect(joined).toMatchObject({
    status: 201,
    body: { consumer_group: { name: 'gold' }, consumers: [{}, {}] },
  })
  const other = await ask('POST', '/consumers/ann/consumer_groups', { group: 'early' })
  expect(other).toMatchObject({ status: 201, body: { consumer_groups: [{ name: 'early' }] } })
  const again = await ask('POST', '/consumers/ann/consumer_groups', { group: 'early' })
  expect(again.status).toBe(409)
  const names = async (path: string, key: string) =>
    (await ask('GET', path)).body.data.map((one: Record<string, unknown>) => one[key]).sort()
  expect(await names('/consumers/ann/consumer_groups', 'name')).toEqual(['early', 'gold'])
  expect(await names('/consumer_groups/gold/consumers', 'username')).toEqual(['ann', 'bob'])
  const whole = await ask('GET', '/consumer_groups/gold')
  expect(whole.body).toMatchObject({ consumer_group: { name: 'gold' }, plugins: [] })
  expect(whole.body.consumers).toHaveLength(2)
  expect((await ask('DELETE', '/consumer_groups/gold/consumers/bob')).status).toBe(204)
  expect((await ask('DELETE', '/consumer_groups/gold/consumers/bob')).status).toBe(404)
  expect(await names('/consumer_groups/gold/consumers', 'username')).toEqual(['ann'])
  expect((await ask('DELETE', '/consumers/ann/consumer_groups')).status).toBe(204)
  expect(await names('/consumer_groups/gold/consumers', 'username')).toEqual([])
  const nobody = await ask('POST', '/consumer_groups/gold/consumers', { consumer: 'eve' })
  expect(nobody).toMatchObject({ status: 400, body: { code: 13 } })
})

test('deleting an entity deletes its memberships, credentials and plugins', async () => {
  const { ask, configuration } = await openTestAdmin()
  await ask('PUT', '/consumers/ann', {})
  await ask('PUT', '/consumer_groups/gold', {})
  await ask('POST', '/consumer_groups/gold/consumers', { consumer: 'ann' })
  await ask('POST', '/consumer_groups/gold/plugins', { name: 'limiter', config: { minute: 1 } })
  for (const kind of ['basic-auth', 'hmac-auth']) {
    await ask('POST', `/consumers/ann/${kind}`, { username: 'ann', password: 'p', secret: 's' })
  }
  await ask('POST', '/consumers/ann/basic-auth', { username: 'ann', password: 'p' })
  await ask('POST', '/consumers/ann/jwt', {})
  await ask('POST', '/consumers/ann/oauth2', { name: 'app' })
  await ask('POST', '/consumers/ann/mtls-auth', { subject_name: 'ann' })
  const { snapshot } = configuration.current()
  const { consumers, plugins, consumer_groups: groups } = listsOf(snapshot)
  expect(consumers[0]?.consumer_groups).toEqual(['gold'])
  expect(plugins[0]?.consumer_group?.id).toBe(groups[0]?.id)
  await ask('DELETE', '/consumers/ann')
  await ask('DELETE', '/consumer_groups/gold')
  for (const path of ['/basic-auths', '/jwts', '/oauth2', '/mtls-auths', '/plugins']) {
    expect([path, (await ask('GET', path)).body.data]).toEqual([path, []])
  }
})

test('stores passwords as Kong’s hash, and accepts a hash unchanged', async () => {
  const { ask, configuration } = await openTestAdmin()
  const { body: ann } = await ask('PUT', '/consumers/ann', {})
  const sha1 = createHash('sha1').update(`open sesame${ann.id}`).digest('hex')
  const made = await ask('POST', '/consumers/ann/basic-auth', {
    username: 'ann',
    password: 'open sesame',
  })
  expect(made.body.password).toBe(sha1)
  const path = `/consumers/ann/basic-auth/${made.body.id}`
  expect((await ask('PATCH', path, { tags: ['x'] })).body.password).toBe(sha1)
  const moved = await ask('PUT', `${path}?skip_hash=true`, { username: 'ann', password: sha1 })
  expect(moved.body.password).toBe(sha1)
  expect(JSON.stringify(configuration.current().snapshot)).not.toContain('open sesame')
})

test('writes a certificate with its SNIs, and finds it by one', async () => {
  const { ask } = await openTestAdmin()
  const [one, two] = await Promise.all([makeAuthority('one'), makeAuthority('two')])
  const made = await ask('POST', '/certificates', { ...one, snis: ['a.example', 'B.example'] })
  expect(made).toMatchObject({ status: 201, body: { snis: ['a.example', 'b.example'] } })
  expect((await ask('GET', '/certificates/b.example')).body).toEqual(made.body)
  const changed = await ask('PATCH', '/certificates/a.example', {
    snis: ['b.example', 'c.example'],
  })
  expect(changed.body.snis).toEqual(['b.example', 'c.example'])
  expect((await ask('GET', '/certificates/a.example')).status).toBe(404)
  const taken = await ask('POST', '/certificates', { ...two, snis: ['c.example'] })
  expect(taken).toMatchObject({
    status: 400,
    body: {
      fields: { snis: `c.example already associated with existing certificate '${made.body.id}'` },
    },
  })
  const put = await ask('PUT', '/certificates/d.example', two)
  expect(put).toMatchObject({ status: 200, body: { snis: ['d.example'] } })
  expect((await ask('GET', `/certificates/${put.body.id}/snis`)).body.data).toHaveLength(1)
})

test('returns a private key only to principals who may update the certificate', async () => {
  const admin = await openTestAdmin()
  const pair = await makeAuthority('one')
  await admin.ask('POST', '/workspaces', { name: 'W' })
  const { body: made } = await admin.ask('POST', '/W/certificates', pair)
  const tokenOf = (name: string, actions: string) =>
    addPrincipal(admin, { name, workspace: 'W', endpoints: [{ endpoint: '*', actions }] })
  const keyFor = async (token: string) =>
    (await admin.ask('GET', `/W/certificates/${made.id}`, undefined, { token })).body.key as unknown
  expect(await keyFor(await tokenOf('writer', 'read,update'))).toBe(pair.key)
  expect(await keyFor(await tokenOf('reader', 'read'))).toBeUndefined()
})

test('plugins of a consumer group replace the overrides of earlier versions of Kong, which are refused with a reason', async () => {
  const { ask } = await openTestAdmin()
  await ask('POST', '/consumer_groups', { name: 'gold' })
  const overrides = '/consumer_groups/gold/overrides/plugins/rate-limiting-advanced'
  const config = { limit: [10], window_size: [60], window_type: 'sliding' }
  const refused = await ask('PUT', overrides, { config })
  expect(refused.status).toBe(400)
  expect(refused.body.message).toContain('POST /consumer_groups/gold/plugins')
  expect((await ask('DELETE', overrides)).status).toBe(404)
  expect((await ask('PUT', overrides.replace('gold', 'none'), { config })).status).toBe(404)
  const plugin = { name: 'limiter', config: { minute: 10 } }
  expect((await ask('POST', '/consumer_groups/gold/plugins', plugin)).status).toBe(201)
  expect((await ask('GET', '/consumer_groups/gold')).body.plugins).toMatchObject([plugin])
})

test('finds entities by tag', async () => {
  const { ask } = await openTestAdmin()
  const { body: service } = await ask('PUT', '/services/s', { host: 'h', tags: ['a', 'b'] })
  await ask('PUT', '/consumers/ann', { tags: ['b'] })
  const { body: key } = await ask('POST', '/consumers/ann/key-auth', { tags: ['a'] })
  const rows = (await ask('GET', '/tags/a')).body.data
  expect(rows).toHaveLength(2)
  expect(rows).toContainEqual({ entity_name: 'services', entity_id: service.id, tag: 'a' })
  expect(rows).toContainEqual({ entity_name: 'keyauth_credentials', entity_id: key.id, tag: 'a' })
  expect((await ask('GET', '/tags')).body.data).toHaveLength(4)
  expect((await ask('GET', '/tags/none')).body).toEqual({ data: [], next: null })
})

test('returns Kong’s errors for invalid entities', async () => {
  const { ask } = await openTestAdmin()
  await ask('PUT', '/consumers/ann', {})
  const said = async (path: string, body: unknown) => (await ask('POST', path, body)).body.message
  expect(await said('/vaults', { prefix: 'env', name: 'env' })).toContain('must not be one of: env')
  expect(await said('/vaults', { prefix: 'mine', name: 'safe' })).toBe(
    `schema violation (name: vault 'safe' is not installed)`,
  )
  expect(await said('/keys', { kid: 'k' })).toBe(
    `schema violation (at least one of these fields must be non-empty: 'jwk', 'pem')`,
  )
  expect(await said('/keys', { kid: 'k', jwk: '{"kid":"k","kty":"RSA"}' })).toBe(
    'schema violation (could not load JWK, likely not a valid key)',
  )
  expect((await ask('POST', '/keys', { kid: 'k', jwk: '{vault://env/key}' })).status).toBe(201)
  expect(await said('/consumers/ann/jwt', { algorithm: 'RS256' })).toBe(
    `2 schema violations (failed conditional validation given value of field 'algorithm'; rsa_public_key: required field missing)`,
  )
  expect(await said('/consumers/ann/oauth2', { name: 'a', redirect_uris: ['nowhere'] })).toContain(
    `cannot parse 'nowhere'`,
  )
})

test('a plugin cannot read a secret through a field that Kong does not mark referenceable', async () => {
  const { ask } = await openTestAdmin()
  const secret = '{vault://env/admin-token}'
  const refused = 'a reference to a vault is not allowed in this field'
  await ask('PUT', '/consumers/ann', {})
  const bodies = {
    '/plugins': { name: 'limiter', config: { minute: 1, note: secret } },
    '/services': { host: 'a', tags: [secret] },
    '/consumers': { username: 'bob', custom_id: secret },
    '/consumers/ann/key-auth': { key: secret },
    '/ca_certificates': { cert: secret },
    '/vaults': { prefix: 'mine', name: 'hcv', config: { namespace: secret } },
  }
  for (const [path, body] of Object.entries(bodies)) {
    const answer = await ask('POST', path, body)
    expect(answer).toMatchObject({ status: 400, body: { name: 'schema violation' } })
    expect(JSON.stringify(answer.body.fields)).toContain(refused)
  }
  const foreign = { prefix: 'mine', name: 'hcv', config: { token: '{vault://other/token}' } }
  expect((await ask('POST', '/vaults', foreign)).body.message).toContain('{vault://env/name}')
  const shown = (await ask('GET', '/schemas/certificates')).body.fields
  expect(shown).toContainEqual({ key: expect.objectContaining({ referenceable: true }) })
})

test('the prefix of a vault is unique in its workspace, and does not reveal vaults in others', async () => {
  const admin = await openTestAdmin()
  for (const name of ['ours', 'theirs']) await admin.ask('POST', '/workspaces', { name })
  const endpoints = [{ endpoint: '*', actions: '*' }]
  const token = await addPrincipal(admin, { name: 'ann', workspace: 'ours', endpoints })
  const vault = { prefix: 'shop', name: 'env', config: { prefix: 'THEIRS_' } }
  expect((await admin.ask('POST', '/theirs/vaults', vault)).status).toBe(201)
  const own = await admin.ask('POST', '/ours/vaults', { prefix: 'shop', name: 'env' }, { token })
  expect(own).toMatchObject({ status: 201, body: { prefix: 'shop', config: { prefix: null } } })
  expect((await admin.ask('POST', '/ours/vaults', vault, { token })).status).toBe(409)
  expect((await admin.ask('GET', '/theirs/vaults/shop')).body.config.prefix).toBe('THEIRS_')
})

test('creates a vault from a form with typed settings', async () => {
  const { ask } = await openTestAdmin()
  const form = 'prefix=mine&name=hcv&config.port=8210&config.token=t&config.ttl=60&tags[]=a'
  const type = { headers: { 'content-type': 'application/x-www-form-urlencoded' } }
  const { status, body } = await ask('POST', '/vaults', form, type)
  expect([status, body.config?.port, body.config?.ttl]).toEqual([201, 8210, 60])
  expect((await ask('GET', '/schemas/vaults/hcv')).body.fields[0].config.fields).toContainEqual({
    kv: expect.objectContaining({ default: 'v1', one_of: ['v1', 'v2'] }),
  })
})

test('accepts certificates and documents as form files', async () => {
  const { ask } = await openTestAdmin()
  const sendFiles = async (path: string, files: Readonly<Record<string, string>>) => {
    const form = new FormData()
    for (const [name, text] of Object.entries(files))
      form.set(name, new Blob([text]), `${name}.txt`)
    const encoded = new Request('http://h', { method: 'POST', body: form })
    const type = { 'content-type': encoded.headers.get('content-type') ?? '' }
    return ask('POST', path, await encoded.text(), { headers: type })
  }
  const { cert, key } = await makeAuthority('one')
  expect((await sendFiles('/certificates', { cert, key })).status).toBe(201)
  const yaml = '_format_version: "3.0"\nservices:\n  - name: s\n    url: http://h.example\n'
  expect((await sendFiles('/config', { config: yaml })).status).toBe(201)
  expect((await ask('GET', '/services')).body.data).toMatchObject([{ name: 's', port: 80 }])
  expect((await ask('GET', '/certificates')).body.data).toEqual([])
  const { body } = await ask('GET', '/config')
  expect(body.config).toContain('host: h.example')
  expect((await ask('POST', '/config?check_hash=1', body)).status).toBe(304)
  const broken = await ask('POST', '/config', { config: 'a: [' })
  expect(broken).toMatchObject({ status: 400, body: { code: 14 } })
})
