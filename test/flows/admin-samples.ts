import { generateKeyPairSync } from 'node:crypto'
import { makeAuthority, type Pair } from '../harness/make-certificate.ts'
import type { TestAdmin } from './admin-harness.ts'

/** Path, valid bodies and invalid bodies of an entity. */
export type Sample = {
  /** Path of the collection, after the workspace. */
  readonly path: string
  /** The `number`th different body. */
  readonly body: (number: number) => Record<string, unknown>
  /** A change and what it changes. */
  readonly patch: Readonly<Record<string, unknown>>
  /** A body that breaks the schema, and the field it breaks. */
  readonly bad: readonly [Readonly<Record<string, unknown>>, string]
  /** A body that refers to what is not there; absent where nothing is referred to. */
  readonly lost?: Readonly<Record<string, unknown>>
  /** Fields two of them may not share; absent where there are none. */
  readonly shared?: readonly string[]
  /** The member of the answer that holds it, when it is read alone. */
  readonly wrapped?: string
  /** Fields that are answered otherwise than they were sent. */
  readonly altered?: readonly string[]
  /** False for what belongs to no workspace. */
  readonly inWorkspace?: boolean
}

const authorities = await Promise.all(
  Array.from({ length: 20 }, (_, index) => makeAuthority(`authority ${index}`)),
)
const [first, second] = authorities as unknown as [Pair, Pair]
const authorityAt = (number: number): Pair => authorities[number % authorities.length] ?? first

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey
const publicPem = ec.export({ type: 'spki', format: 'pem' }).toString()
const jwkText = (kid: string): string => JSON.stringify({ ...ec.export({ format: 'jwk' }), kid })

const nowhere = { id: '00000000-0000-4000-8000-000000000000' }

/** A sample for every kind of entity that has a collection, by its name. */
export const samples: Readonly<Record<string, Sample>> = {
  workspace: {
    path: '/workspaces',
    body: (number) => ({ name: `w${number}` }),
    patch: { comment: 'changed' },
    bad: [{ name: 'services' }, 'name'],
    shared: ['name'],
    inWorkspace: false,
  },
  certificate: {
    path: '/certificates',
    body: (number) => ({ cert: authorityAt(number).cert, key: authorityAt(number).key }),
    patch: { tags: ['changed'] },
    bad: [{ cert: 'no PEM', key: first.key }, 'cert'],
    lost: { cert: first.cert, key: second.key },
  },
  sni: {
    path: '/snis',
    body: (number) => ({ name: `n${number}.example`, certificate: '$certificate' }),
    patch: { tags: ['changed'] },
    bad: [{ name: 'a.*.example' }, 'name'],
    lost: { name: 'n.example', certificate: nowhere },
    shared: ['name'],
  },
  'ca-certificate': {
    path: '/ca_certificates',
    body: (number) => ({ cert: authorityAt(number).cert }),
    patch: { tags: ['changed'] },
    bad: [{ cert: first.cert + second.cert }, 'cert'],
    shared: ['cert'],
    inWorkspace: false,
  },
  service: {
    path: '/services',
    body: (number) => ({ name: `s${number}`, host: 'h.example' }),
    patch: { retries: 7 },
    bad: [{ host: 'h.example', port: 70_000 }, 'port'],
    shared: ['name'],
  },
  route: {
    path: '/services/parent/routes',
    body: (number) => ({ name: `r${number}`, paths: [`/${number}/`] }),
    patch: { strip_path: false },
    bad: [{ paths: ['no-slash'] }, 'paths'],
    shared: ['name'],
  },
  consumer: {
    path: '/consumers',
    body: (number) => ({ username: `c${number}` }),
    patch: { custom_id: 'elsewhere' },
    bad: [{ username: 3 }, 'username'],
    shared: ['username'],
  },
  'key-auth': {
    path: '/consumers/parent/key-auth',
    body: (number) => ({ key: `key-number-${number}` }),
    patch: { tags: ['changed'] },
    bad: [{ key: 'k', ttl: -1 }, 'ttl'],
    shared: ['key'],
  },
  'basic-auth': {
    path: '/consumers/parent/basic-auth',
    body: (number) => ({ username: `basic${number}`, password: 'open sesame' }),
    patch: { tags: ['changed'] },
    bad: [{ username: 'b', password: '' }, 'password'],
    shared: ['username'],
    altered: ['password'],
  },
  'hmac-auth': {
    path: '/consumers/parent/hmac-auth',
    body: (number) => ({ username: `hmac${number}`, secret: 'shared' }),
    patch: { tags: ['changed'] },
    bad: [{ username: 7 }, 'username'],
    shared: ['username'],
  },
  jwt: {
    path: '/consumers/parent/jwt',
    body: (number) => ({ key: `issuer${number}`, algorithm: 'ES256', rsa_public_key: publicPem }),
    patch: { tags: ['changed'] },
    bad: [{ algorithm: 'RS256' }, 'rsa_public_key'],
    shared: ['key'],
  },
  oauth2: {
    path: '/consumers/parent/oauth2',
    body: (number) => ({ name: 'app', client_id: `app${number}`, client_secret: 'of the app' }),
    patch: { redirect_uris: ['https://app.example/back'] },
    bad: [{ name: 'app', redirect_uris: ['https://app.example/#here'] }, 'redirect_uris'],
    shared: ['client_id'],
  },
  'mtls-auth': {
    path: '/consumers/parent/mtls-auth',
    body: (number) => ({ subject_name: `c${number}.example` }),
    patch: { tags: ['changed'] },
    bad: [{ subject_name: '' }, 'subject_name'],
    lost: { subject_name: 'c', ca_certificate: nowhere },
    shared: ['subject_name'],
  },
  'consumer-group': {
    path: '/consumer_groups',
    body: (number) => ({ name: `group${number}` }),
    patch: { tags: ['changed'] },
    bad: [{ name: 'a b' }, 'name'],
    wrapped: 'consumer_group',
    shared: ['name'],
  },
  vault: {
    path: '/vaults',
    body: (number) => ({ prefix: `v${number}`, name: 'env', description: 'of tests' }),
    patch: { description: 'changed' },
    bad: [{ prefix: 'v', name: 'env', config: { prefix: 5 } }, 'config'],
    shared: ['prefix'],
  },
  'key-set': {
    path: '/key-sets',
    body: (number) => ({ name: `set${number}` }),
    patch: { tags: ['changed'] },
    bad: [{ name: 5 }, 'name'],
    shared: ['name'],
  },
  key: {
    path: '/keys',
    body: (number) => ({ name: `key${number}`, kid: `k${number}`, jwk: jwkText(`k${number}`) }),
    patch: { tags: ['changed'] },
    bad: [{ kid: 'k', jwk: jwkText('other') }, '@entity'],
    lost: { kid: 'k', jwk: jwkText('k'), set: nowhere },
    shared: ['name'],
  },
  acl: {
    path: '/consumers/parent/acls',
    body: (number) => ({ group: `g${number}` }),
    patch: { tags: ['changed'] },
    bad: [{ group: '' }, 'group'],
    shared: ['group'],
  },
  upstream: {
    path: '/upstreams',
    body: (number) => ({ name: `u${number}.internal` }),
    patch: { slots: 100 },
    bad: [{ name: 'u', slots: 1 }, 'slots'],
    shared: ['name'],
  },
  target: {
    path: '/upstreams/parent.internal/targets',
    body: (number) => ({ target: `t${number}.example:9000` }),
    patch: { weight: 5 },
    bad: [{ target: 'not a host' }, 'target'],
    shared: ['target'],
  },
  partial: {
    path: '/partials',
    body: (number) => ({
      name: `partial${number}`,
      type: number % 2 === 0 ? 'redis-ce' : 'redis-ee',
      config: { host: `redis${number}.example` },
    }),
    patch: { config: { database: 5 } },
    bad: [{ type: 'redis-ce', config: { port: 70_000 } }, 'config'],
    shared: ['name'],
  },
  plugin: {
    path: '/plugins',
    body: (number) => ({
      name: 'limiter',
      instance_name: `p${number}`,
      config: { minute: number + 1 },
      ...(number % 10 === 1 ? {} : { service: { name: 'parent' } }),
    }),
    patch: { enabled: false },
    bad: [{ name: 'limiter', config: { minute: 0 } }, 'config'],
    lost: { name: 'limiter', config: { minute: 1 }, service: nowhere },
    shared: ['instance_name'],
  },
  role: {
    path: '/rbac/roles',
    body: (number) => ({ name: `role${number}` }),
    patch: { comment: 'changed' },
    bad: [{ name: 5 }, 'name'],
    shared: ['name'],
  },
  'entity-permission': {
    path: '/rbac/roles/parent/entities',
    body: (number) => ({
      entity_id: `$service${number}`,
      entity_type: 'services',
      actions: 'read',
    }),
    patch: { comment: 'changed' },
    bad: [{ entity_id: '*', entity_type: 'wildcard', actions: 'fly' }, 'actions'],
    lost: { entity_id: nowhere.id, entity_type: 'services', actions: 'read' },
    shared: ['entity_id'],
  },
  principal: {
    path: '/rbac/users',
    body: (number) => ({ name: `user${number}` }),
    patch: { comment: 'changed' },
    bad: [{ name: 'x', password: 'short' }, 'password'],
    shared: ['name'],
    inWorkspace: false,
  },
  group: {
    path: '/rbac/groups',
    body: (number) => ({ name: `group${number}` }),
    patch: { comment: 'changed' },
    bad: [{ name: 5 }, 'name'],
    shared: ['name'],
    inWorkspace: false,
  },
  identity: {
    path: '/rbac/users/parent/identities',
    body: (number) => ({ issuer: 'https://issuer.example', subject: `s${number}` }),
    patch: { subject: 'another' },
    bad: [{ issuer: '', subject: 's' }, 'issuer'],
    shared: ['issuer', 'subject'],
    inWorkspace: false,
  },
  token: {
    path: '/rbac/users/parent/tokens',
    body: (number) => ({ name: `t${number}`, token: `token-number-${number}-long-enough` }),
    patch: { name: 'renamed' },
    bad: [{ token: 'short' }, 'token'],
    shared: ['token'],
    inWorkspace: false,
  },
}

/** Makes a workspace with the parents that the samples nest under. */
export async function makeParents({ ask }: TestAdmin, workspace: string): Promise<void> {
  await ask('PUT', `/workspaces/${workspace}`, {})
  await ask('PUT', `/${workspace}/services/parent`, { host: 'h.example' })
  await ask('PUT', `/${workspace}/consumers/parent`, {})
  await ask('PUT', `/${workspace}/upstreams/parent.internal`, {})
  await ask('PUT', `/${workspace}/rbac/roles/parent`, {})
  await ask('PUT', `/rbac/users/parent`, {})
}

/** The body of a sample with the ids it names put in. */
export async function bodyOf(
  { ask }: TestAdmin,
  sample: Sample,
  [workspace, number]: readonly [string, number],
): Promise<Record<string, unknown>> {
  const body = sample.body(number)
  if (body['certificate'] === '$certificate') {
    const pair = { cert: first.cert, key: first.key }
    const { body: made } = await ask('POST', `/${workspace}/certificates`, pair)
    return { ...body, certificate: { id: (made as { id: string }).id } }
  }
  if (!String(body['entity_id']).startsWith('$')) return body
  const name = String(body['entity_id']).slice(1)
  const { body: service } = await ask('PUT', `/${workspace}/services/${name}`, {
    host: 'h.example',
  })
  return { ...body, entity_id: (service as { id: string }).id }
}
