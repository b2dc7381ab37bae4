/** decK's state: kind → entities, with absent fields instead of nulls. */
export type DeckState = Readonly<Record<string, readonly DeckObject[]>>

export type DeckObject = Readonly<Record<string, unknown>> & { readonly id: string }

/** An operation of a sync. */
export type DeckEvent = {
  readonly does: 'create' | 'update' | 'delete'
  readonly kind: string
  readonly object: DeckObject
}

/** Sends the requests of decK in the same order and form. */
export type DeckClient = {
  ping(): Promise<string>
  /** The entities that have all of the tags. */
  dump(): Promise<DeckState>
  validate(state: DeckState): Promise<void>
  diff(state: DeckState): Promise<DeckEvent[]>
  /** Makes the gateway's entities with these tags equal to the state. */
  sync(state: DeckState): Promise<DeckEvent[]>
  reset(): Promise<DeckEvent[]>
}

/** decK's command line options. */
export type DeckOptions = {
  readonly url: string
  readonly token: string
  readonly workspace?: string
  readonly tags?: readonly string[]
}

/** Kinds in the order in which decK creates them; it deletes them in the opposite order. */
const levels: readonly (readonly string[])[] = [
  ['certificates', 'ca_certificates', 'consumers', 'vaults', 'key-sets'],
  [
    'consumer_groups',
    'snis',
    'services',
    'upstreams',
    'keys',
    'key-auths',
    'basic-auths',
    'hmac-auths',
    'jwts',
    'oauth2',
    'acls',
    'mtls-auths',
  ],
  ['routes', 'targets', 'members'],
  ['plugins'],
]

/** Credentials are written under their consumer. */
const nested: Readonly<Record<string, string>> = {
  'key-auths': 'key-auth',
  'basic-auths': 'basic-auth',
  'hmac-auths': 'hmac-auth',
  jwts: 'jwt',
  oauth2: 'oauth2',
  acls: 'acls',
  'mtls-auths': 'mtls-auth',
}

const withDefaults: ReadonlySet<string> = new Set(['services', 'routes', 'upstreams', 'targets'])
const concurrency = 10

/** A client with the requests and comparisons of decK, for tests without its program. */
export function openDeckClient(call: DeckOptions): DeckClient {
  const send = createSender(call)
  const deck: DeckClient = {
    async ping() {
      const { version } = (await send('GET', '/')) as { version: string }
      if (!/^\d+\.\d+/.test(version)) throw new Error(`no version: ${version}`)
      return version
    },
    dump: () => readState(send, call.tags ?? []),
    async validate(state) {
      for (const [kind, objects] of Object.entries(state)) {
        if (kind === 'members') continue
        const name = schemaNames[kind] ?? kind
        for (const object of objects) await send('POST', `/schemas/${name}/validate`, object)
      }
    },
    async diff(state) {
      const wanted = tagged(state, call.tags ?? [])
      // decK reads neither entities nor defaults of a workspace that does not exist.
      if (!(await hasWorkspace(call))) return compare(wanted, {})
      const current = await readState(send, call.tags ?? [])
      return compare(await fillDefaults(send, wanted), current)
    },
    async sync(state) {
      if (!(await hasWorkspace(call))) await send('POST', '/workspaces', { name: call.workspace })
      const events = await deck.diff(state)
      for (const level of levels) await inLevel(events, level, (event) => write(send, event))
      for (const level of levels.toReversed()) {
        await inLevel(events, level, (event) => remove(send, event))
      }
      return events
    },
    reset: () => deck.sync({}),
  }
  return deck
}

const schemaNames: Readonly<Record<string, string>> = {
  'key-auths': 'keyauth_credentials',
  'basic-auths': 'basicauth_credentials',
  'hmac-auths': 'hmacauth_credentials',
  jwts: 'jwt_secrets',
  oauth2: 'oauth2_credentials',
  'mtls-auths': 'mtls_auth_credentials',
  'key-sets': 'key_sets',
}

type SendRequest = (method: string, path: string, body?: unknown) => Promise<unknown>

/** Throws on the statuses at which decK stops. */
function createSender({ url, token, workspace }: DeckOptions): SendRequest {
  const prefix = workspace === undefined ? '' : `/${workspace}`
  return async (method, path, body) => {
    const isBare = path === '/' || path.startsWith('/workspaces')
    const answer = await fetch(`${url}${isBare ? '' : prefix}${path}`, {
      method,
      headers: { 'content-type': 'application/json', 'kong-admin-token': token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return text === '' ? undefined : (JSON.parse(text) as unknown)
  }
}

async function hasWorkspace({ url, token, workspace }: DeckOptions): Promise<boolean> {
  if (workspace === undefined) return true
  const path = `${url}/${workspace}/workspaces/${workspace}`
  const { status } = await fetch(path, { headers: { 'kong-admin-token': token } })
  if (status !== 200 && status !== 404) throw new Error(`${path}: ${status}`)
  return status === 200
}

async function readState(send: SendRequest, tags: readonly string[]): Promise<DeckState> {
  const kinds = levels.flat().filter((kind) => !['targets', 'members'].includes(kind))
  const lists = await Promise.all(
    kinds.map(async (kind) => [kind, await readList(send, `/${kind}`, tags)] as const),
  )
  const state: Record<string, DeckObject[]> = Object.fromEntries(lists)
  state['targets'] = []
  for (const { id } of state['upstreams'] ?? []) {
    state['targets'].push(...(await readList(send, `/upstreams/${id}/targets`, tags)))
  }
  state['members'] = []
  for (const { name } of state['consumer_groups'] ?? []) {
    const answer = (await send('GET', `/consumer_groups/${String(name)}`)) as {
      consumer_group: DeckObject
      consumers: DeckObject[]
    }
    for (const consumer of answer.consumers) {
      state['members'].push(membership(answer.consumer_group.id, consumer.id))
    }
  }
  return state
}

/** The membership of a consumer in a group as an object. */
export const membership = (group: string, consumer: string): DeckObject => ({
  id: `${group} ${consumer}`,
  group,
  consumer,
})

async function readList(
  send: SendRequest,
  path: string,
  tags: readonly string[],
): Promise<DeckObject[]> {
  const found: DeckObject[] = []
  let offset = ''
  do {
    const search = new URLSearchParams({ size: '1000' })
    if (offset !== '') search.set('offset', offset)
    if (tags.length > 0) search.set('tags', tags.join(','))
    const page = (await send('GET', `${path}?${search.toString()}`)) as {
      data: Record<string, unknown>[]
      offset?: string
    }
    found.push(...page.data.map((object) => decoded(object)))
    offset = page.offset ?? ''
  } while (offset !== '')
  return found
}

/** As Go's decoder: null is an absent field, and times are integers except for targets. */
function decoded(object: Record<string, unknown>): DeckObject {
  const { snis: _snis, created_at: created, updated_at: _updated, ...kept } = object
  if (!Number.isInteger(created)) throw new Error(`created_at is no integer: ${String(created)}`)
  const { config, ...fields } = kept
  return { ...(withoutNulls(fields) as DeckObject), ...(isRecord(config) ? { config } : {}) }
}

/** decK keeps nulls in the settings of plugins and vaults (maps), and drops them elsewhere (structs). */
function withoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value
  const kept = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutNulls(inner)]))
}

/** decK adds the selecting tags to every entity that has tags. */
function tagged(state: DeckState, tags: readonly string[]): DeckState {
  if (tags.length === 0) return state
  const withTags = (object: DeckObject): DeckObject => ({
    ...object,
    tags: [...new Set([...((object['tags'] ?? []) as string[]), ...tags])],
  })
  return Object.fromEntries(
    Object.entries(state).map(([kind, objects]) => [
      kind,
      kind === 'members' ? objects : objects.map(withTags),
    ]),
  )
}

type Field = {
  type: string
  required?: boolean
  default?: unknown
  fields?: Record<string, Field>[]
}

async function fillDefaults(send: SendRequest, state: DeckState): Promise<DeckState> {
  const filled: Record<string, DeckObject[]> = {}
  for (const [kind, objects] of Object.entries(state)) {
    if (kind === 'plugins') {
      filled[kind] = await Promise.all(objects.map((object) => fillConfig(send, object)))
    } else if (withDefaults.has(kind)) {
      const schema = (await send('GET', `/schemas/${kind}`)) as Field
      const defaults = defaultsIn(schema.fields ?? [])
      filled[kind] = objects.map((object) => mergeDefaults(defaults, object) as DeckObject)
    } else {
      filled[kind] = [...objects]
    }
  }
  return filled
}

/** The defaults of all fields, of records recursively. */
function defaultsIn(fields: readonly Record<string, Field>[]): Record<string, unknown> {
  const pairs = fields.flatMap((field) =>
    Object.entries(field).map(([name, { type, default: value, fields: inner }]) => [
      name,
      type === 'record' ? defaultsIn(inner ?? []) : value,
    ]),
  )
  return Object.fromEntries(
    pairs.filter(([, value]) => value !== undefined && value !== null),
  ) as Record<string, unknown>
}

function mergeDefaults(defaults: Record<string, unknown>, given: Record<string, unknown>) {
  const answer: Record<string, unknown> = { ...defaults, ...given }
  for (const [name, value] of Object.entries(defaults)) {
    const own = given[name]
    if (isRecord(value) && isRecord(own)) answer[name] = mergeDefaults(value, own)
  }
  return answer
}

async function fillConfig(send: SendRequest, object: DeckObject): Promise<DeckObject> {
  const schema = (await send('GET', `/schemas/plugins/${String(object['name'])}`)) as Field
  const fields = Object.assign({}, ...(schema.fields ?? [])) as Record<string, Field>
  const given = (object['config'] ?? {}) as object
  const config = fillRecord(fields['config']?.fields ?? [], given)
  return { enabled: true, protocols: fields['protocols']?.default, ...object, config }
}

/** Fills the settings of a plugin: given value, else default, else null. Records are filled only when given or required. */
function fillRecord(fields: readonly Record<string, Field>[], given: object): object {
  const filled: Record<string, unknown> = { ...given }
  for (const [name, field] of fields.flatMap((one) => Object.entries(one))) {
    const own = filled[name]
    const isOpen = field.type === 'record' && (isRecord(own) || field.required === true)
    if (isOpen) filled[name] = fillRecord(field.fields ?? [], isRecord(own) ? own : {})
    else if (own === undefined) filled[name] = field.default ?? null
  }
  return filled
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function compare(wanted: DeckState, current: DeckState): DeckEvent[] {
  return levels.flat().flatMap((kind): DeckEvent[] => {
    const had = new Map((current[kind] ?? []).map((object) => [object.id, object]))
    const wants = wanted[kind] ?? []
    const ids = new Set(wants.map(({ id }) => id))
    return [
      ...wants.flatMap((object): DeckEvent[] => {
        const known = had.get(object.id)
        if (known === undefined) return [{ does: 'create', kind, object }]
        return isEqual(kind, object, known) ? [] : [{ does: 'update', kind, object }]
      }),
      ...[...had.values()]
        .filter(({ id }) => !ids.has(id))
        .map((object): DeckEvent => ({ does: 'delete', kind, object })),
    ]
  })
}

/** decK compares all fields where it knows the defaults, else those of the file, and never hashed passwords. */
function isEqual(kind: string, wanted: DeckObject, known: DeckObject): boolean {
  const current = kind === 'plugins' ? withoutDeprecated(wanted, known) : known
  const names =
    withDefaults.has(kind) || kind === 'plugins'
      ? [...new Set([...Object.keys(wanted), ...Object.keys(current)])]
      : Object.keys(wanted)
  return names
    .filter((name) => !(kind === 'basic-auths' && name === 'password'))
    .every((name) => canonical(wanted[name]) === canonical(current[name]))
}

/** decK compares deprecated settings only where both have them. */
function withoutDeprecated(wanted: DeckObject, current: DeckObject): DeckObject {
  const { config } = current
  const wantedConfig = wanted['config']
  if (!isRecord(config) || !isRecord(wantedConfig)) return current
  const kept = Object.entries(config).filter(
    ([name]) => name in wantedConfig || !name.startsWith('redis_'),
  )
  return { ...current, config: Object.fromEntries(kept) }
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_name, inner: unknown) => {
    if (!isRecord(inner)) return inner
    const { name: _own, ...lone } = inner
    const members = typeof inner['id'] === 'string' ? { id: lone['id'] } : inner
    return Object.fromEntries(Object.entries(members).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }) ?? ''

/** Sends `concurrency` requests at a time; levels run one after the other. */
async function inLevel(
  events: readonly DeckEvent[],
  level: readonly string[],
  act: (event: DeckEvent) => Promise<unknown>,
): Promise<void> {
  const waiting = events.filter(({ kind }) => level.includes(kind))
  const work = async () => {
    for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) {
      await act(event)
    }
  }
  await Promise.all(Array.from({ length: concurrency }, work))
}

async function write(send: SendRequest, { does, kind, object }: DeckEvent): Promise<unknown> {
  if (does === 'delete') return undefined
  if (kind === 'members') {
    const { group, consumer } = object
    return send('POST', `/consumer_groups/${String(group)}/consumers`, { consumer })
  }
  return send('PUT', pathOf(kind, object), object)
}

async function remove(send: SendRequest, { does, kind, object }: DeckEvent): Promise<unknown> {
  if (does !== 'delete') return undefined
  if (kind === 'members') {
    // The membership may have been deleted with its group or consumer.
    const path = `/consumer_groups/${String(object['group'])}/consumers/${String(object['consumer'])}`
    return send('DELETE', path)
  }
  return send('DELETE', pathOf(kind, object))
}

function pathOf(kind: string, object: DeckObject): string {
  const idIn = (field: string): string => String((object[field] as { id?: unknown }).id)
  const under = nested[kind]
  if (under !== undefined) return `/consumers/${idIn('consumer')}/${under}/${object.id}`
  if (kind === 'targets') return `/upstreams/${idIn('upstream')}/targets/${object.id}`
  return `/${kind}/${object.id}`
}
