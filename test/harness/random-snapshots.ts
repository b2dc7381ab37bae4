import { createHash } from 'node:crypto'
import { entityNamed } from '../../src/entities/entities.ts'
import { RadixMap } from '../../src/lib/radix-map.ts'
import { snapshotOf, type Snapshot, type SnapshotLists } from '../../src/schema/snapshot.ts'

type Random = () => number
type Item = Readonly<Record<string, unknown>> & { readonly id: string; readonly workspace?: string }
type Lists = Readonly<Record<keyof SnapshotLists, readonly Item[]>>
type Pem = { readonly cert: string; readonly key: string }

/** A snapshot, and the plugins whose secrets are unavailable. */
export type RandomState = { readonly snapshot: Snapshot; readonly withheld: RadixMap<string> }

/** States of a small configuration with items of every kind. Each is a few random changes after the one before. */
export function* randomStates(
  random: Random,
  pems: readonly Pem[],
  count: number,
): Generator<RandomState> {
  const items = new Map<string, Item>()
  let withheld = RadixMap.empty<string>()
  let last: Snapshot | undefined
  for (let made = 0; made < count; made += 1) {
    const changes = last === undefined || random() < 0.05 ? 60 : 1 + pick(random, [0, 0, 1, 3])
    for (let change = 0; change < changes; change += 1) changeItem(items, random, pems)
    if (random() < 0.3) {
      const plugin = `plugins-${Math.floor(random() * counts.plugins)}`
      withheld = withheld.has(plugin)
        ? withheld.without(plugin)
        : withheld.with(plugin, 'no secret')
    }
    const snapshot = snapshotOf(consistent(items) as unknown as SnapshotLists)
    // As a worker has it: unchanged items are the same objects, or the snapshot was received whole again.
    last = last === undefined || random() < 0.1 ? snapshot : sharing(last, snapshot)
    yield { snapshot: last, withheld }
  }
}

/** Adds, removes, copies or replaces an item, or changes a field of it. */
function changeItem(items: Map<string, Item>, random: Random, pems: readonly Pem[]): void {
  const kind = pick(random, often)
  const id = `${kind}-${Math.floor(random() * counts[kind])}`
  const old = items.get(id)
  const fresh = make(random, kind, id, pems)
  const action = random()
  if (old === undefined) items.set(id, fresh)
  else if (action < 0.2) items.delete(id)
  else if (action < 0.35) items.set(id, structuredClone(old))
  else if (action < 0.55 || kind === 'certificates') items.set(id, fresh)
  else {
    const field = pick(random, Object.keys(fresh))
    items.set(id, { ...old, [field]: fresh[field] })
  }
}

const counts = {
  workspaces: 2,
  services: 5,
  routes: 6,
  upstreams: 4,
  plugins: 7,
  consumers: 4,
  consumer_groups: 2,
  keys: 5,
  basic_auths: 3,
  jwts: 3,
  hmac_auths: 3,
  mtls_auths: 3,
  certificates: 3,
  snis: 4,
  ca_certificates: 2,
} as const

type Kind = keyof typeof counts

const kinds = Object.keys(counts) as Kind[]

/** Those with the most rules come more often. */
const often: readonly Kind[] = [
  ...kinds,
  'services',
  'upstreams',
  'plugins',
  'plugins',
  'plugins',
  'consumer_groups',
]

/** API keys that some states know. */
export const secrets = ['s0', 's1', 's2']

export const serverNames = ['a.test', '*.test', 'b.example']

const pick = <T>(random: Random, from: readonly T[]): T =>
  from[Math.floor(random() * from.length)] as T

const fieldsOf = (name: 'service' | 'route' | 'upstream' | 'plugin', fields: object) =>
  entityNamed(name).fields.parse(fields) as Record<string, unknown>

type Context = {
  readonly id: string
  readonly workspace: string
  one<T>(this: void, ...from: readonly T[]): T
  /** Of the same workspace, if it exists, or null. */
  ref(this: void, list: Kind): { readonly id: string } | null
  readonly chance: Random
  pem(this: void): Pem
}

function make(random: Random, kind: Kind, id: string, pems: readonly Pem[]): Item {
  // Half of the items are in each workspace.
  const half = Number(id.slice(-1)) % 2
  return makers[kind]({
    id,
    workspace: `workspaces-${half}`,
    one: (...from) => pick(random, from),
    ref(list) {
      const number = Math.floor(random() * counts[list])
      return random() < 0.2 || number % 2 !== half ? null : { id: `${list}-${number}` }
    },
    chance: random,
    pem() {
      const { cert, key } = pick(random, pems)
      return { cert, key }
    },
  })
}

const makers: Readonly<Record<Kind, (context: Context) => Item>> = {
  workspaces({ id, one }) {
    const owned = id.endsWith('0')
      ? one({}, { owned_paths: ['/a'] }, { owned_hosts: ['h.test'] })
      : one({}, { owned_paths: ['/', '/a/b'] }, { owned_hosts: ['*.test'] })
    return { id, name: one('first', 'second', 'third'), ...owned }
  },
  services({ id, workspace, one, ref, chance }) {
    const protocol = one('http', 'https', 'https', 'grpc')
    const fields = { host: one('up-1', 'up-2', 'plain'), port: one(80, 443), protocol }
    const more = {
      name: id,
      enabled: chance() < 0.8,
      retries: one(1, 5),
      tls_verify: one(true, null),
    }
    const authorities = one(null, ['ca_certificates-0'], ['ca_certificates-0', 'ca_certificates-1'])
    const parsed = fieldsOf('service', { ...fields, ...more })
    return {
      ...parsed,
      id,
      workspace,
      client_certificate: ref('certificates'),
      ca_certificates: authorities,
    }
  },
  routes({ id, workspace, one, ref }) {
    const stream = { protocols: ['tcp'], sources: [{ ip: one('10.0.0.0/8', '127.0.0.0/8') }] }
    const web: object = {
      protocols: ['http', 'https'],
      paths: [one('/', '/a', '/a/b')],
      hosts: one(null, ['h.test']),
    }
    const parsed = fieldsOf('route', {
      name: one(id, null),
      request_buffering: one(true, false),
      ...one(web, web, stream),
    })
    return { ...parsed, id, workspace, service: ref('services'), created_at: 0 }
  },
  upstreams({ id, workspace, one, ref }) {
    const parsed = fieldsOf('upstream', {
      name: one('up-1', 'up-2'),
      host_header: one(null, 'own.test'),
    })
    const targets = [{ id: 't', target: `192.0.2.${one(1, 2)}:80`, weight: 1, failover: false }]
    return { ...parsed, id, workspace, client_certificate: ref('certificates'), targets }
  },
  plugins({ id, workspace, one, ref, chance }) {
    const config = { number: one(1, 2) }
    const name = one('auth', 'limit', 'limit', 'http2', 'http2', 'mtls')
    const scopes = {
      service: chance() < 0.7 ? ref('services') : null,
      route: chance() < 0.5 ? ref('routes') : null,
      consumer: chance() < 0.4 ? ref('consumers') : null,
      consumer_group: chance() < 0.4 ? ref('consumer_groups') : null,
    }
    return {
      ...fieldsOf('plugin', { name, config, enabled: chance() < 0.8 }),
      ...scopes,
      id,
      workspace,
    }
  },
  consumers({ id, workspace, one }) {
    const groups = one<string[]>([], ['x'])
    return {
      id,
      workspace,
      username: one(null, 'ann', 'bob'),
      custom_id: one(null, 'c'),
      groups,
      consumer_groups: one<string[]>([], ['gold'], ['gold', 'silver']),
    }
  },
  consumer_groups({ id, workspace, one }) {
    return { id, workspace, name: one('gold', 'silver') }
  },
  keys({ id, workspace, one, ref }) {
    const sha256 = createHash('sha256')
      .update(one(...secrets))
      .digest('hex')
    return {
      id,
      workspace,
      consumer: ref('consumers')?.id ?? '',
      sha256,
      expires_at: one(null, 1, 9),
    }
  },
  basic_auths({ id, workspace, one, ref }) {
    const consumer = ref('consumers')?.id ?? ''
    return { id, workspace, consumer, username: one('u0', 'u1'), password: one('p0', 'p1') }
  },
  jwts({ id, workspace, one, ref }) {
    const consumer = ref('consumers')?.id ?? ''
    const shared = { algorithm: 'HS256', secret: one('p0', 'p1'), rsa_public_key: null }
    return { id, workspace, consumer, key: one('u0', 'u1'), ...shared }
  },
  hmac_auths({ id, workspace, one, ref }) {
    const consumer = ref('consumers')?.id ?? ''
    return { id, workspace, consumer, username: one('u0', 'u1'), secret: one('p0', 'p1') }
  },
  mtls_auths({ id, workspace, one, ref }) {
    const consumer = ref('consumers')?.id ?? ''
    const ca = one(null, 'ca_certificates-0', 'ca_certificates-1')
    return { id, workspace, consumer, subject_name: one('u0', 'u1'), ca_certificate: ca }
  },
  certificates({ id, workspace, pem }) {
    return { id, workspace, ...pem(), cert_alt: null, key_alt: null }
  },
  snis({ id, workspace, one, ref }) {
    return { id, workspace, name: one(...serverNames), certificate: ref('certificates') }
  },
  ca_certificates({ id, pem }) {
    return { id, cert: pem().cert }
  },
}

const required: Partial<Record<Kind, readonly string[]>> = {
  keys: ['consumer'],
  basic_auths: ['consumer'],
  jwts: ['consumer'],
  hmac_auths: ['consumer'],
  mtls_auths: ['consumer'],
  snis: ['certificate'],
}
const unique: Partial<Record<Kind, (item: Item) => string>> = {
  upstreams: ({ workspace, name }) => JSON.stringify(['upstream', workspace, name]),
  consumers: ({ workspace, username, id }) =>
    JSON.stringify(['consumer', workspace, username ?? id]),
  keys: ({ workspace, sha256 }) => JSON.stringify(['key', workspace, sha256]),
  basic_auths: ({ workspace, username }) => JSON.stringify(['basic', workspace, username]),
  jwts: ({ workspace, key }) => JSON.stringify(['jwt', workspace, key]),
  hmac_auths: ({ workspace, username }) => JSON.stringify(['hmac', workspace, username]),
  mtls_auths: ({ workspace, subject_name: name, ca_certificate: ca }) =>
    JSON.stringify(['mtls', workspace, name, ca]),
  snis: ({ name }) => JSON.stringify(['sni', name]),
}

/** Without what the control plane would refuse: references that lead nowhere or into another workspace, and names given twice. */
function consistent(items: ReadonlyMap<string, Item>): Lists {
  const known = new Map<string, Item>()
  const taken = new Set<string>()
  const sorted = [...items.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  const keep = (kind: Kind): readonly Item[] =>
    sorted.filter((item) => {
      const name = unique[kind]?.(item) ?? item.id
      const isKept =
        item.id.startsWith(`${kind}-`) && !taken.has(name) && isBound(kind, item, known)
      if (isKept) known.set(item.id, item)
      if (isKept) taken.add(name)
      return isKept
    })
  const lists = order.map((kind) => [kind, keep(kind)] as const)
  return { ...(Object.fromEntries(lists) as Record<Kind, readonly Item[]>), vaults: [] }
}

/** Whether all that it refers to is there, in its workspace. */
function isBound(kind: Kind, item: Item, known: ReadonlyMap<string, Item>): boolean {
  const { workspace } = item
  if (workspace !== undefined && !known.has(workspace)) return false
  if (required[kind]?.some((field) => referenceIn(field, item[field]) === undefined) === true)
    return false
  return Object.entries(item).every(([field, value]) => {
    const target = referenceIn(field, value)
    if (target === undefined) return true
    const found = known.get(target)
    return found !== undefined && (found.workspace ?? workspace) === workspace
  })
}

/** Items only refer to those of kinds before them. */
const order: readonly Kind[] = [
  'workspaces',
  'ca_certificates',
  'certificates',
  'snis',
  'upstreams',
  'services',
  'routes',
  'consumer_groups',
  'consumers',
  'keys',
  'basic_auths',
  'jwts',
  'hmac_auths',
  'mtls_auths',
  'plugins',
]

function referenceIn(field: string, value: unknown): string | undefined {
  if (field === 'consumer' && typeof value === 'string') return value === '' ? undefined : value
  return value !== null && typeof value === 'object' && 'id' in value ? String(value.id) : undefined
}

/** The second snapshot with the items of the first where these are the same. */
function sharing(first: Snapshot, second: Snapshot): Snapshot {
  const lists = Object.entries<RadixMap<object>>(second).map(([name, list]) => {
    let shared = first[name as keyof Snapshot] as RadixMap<object>
    for (const { key, after } of shared.differencesTo(list))
      shared = after === undefined ? shared.without(key) : shared.with(key, after)
    return [name, shared] as const
  })
  return Object.fromEntries(lists) as unknown as Snapshot
}
