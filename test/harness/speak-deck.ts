/** Entities by kind, then by id, as decK holds them: with absent fields instead of nulls. */
export type DeckState = Readonly<Record<string, readonly DeckObject[]>>

/** An entity in a state. */
export type DeckObject = Readonly<Record<string, unknown>> & { readonly id: string }

/** One thing that a sync would do. */
export type DeckEvent = {
  readonly does: 'create' | 'update' | 'delete'
  readonly kind: string
  readonly object: DeckObject
}

/** The requests of decK, in its order and its spelling. */
export type Deck = {
  ping(): Promise<string>
  /** Everything, or what carries all of these tags. */
  dump(): Promise<DeckState>
  validate(state: DeckState): Promise<void>
  diff(state: DeckState): Promise<DeckEvent[]>
  /** Makes the gateway hold what the state holds, and nothing else of these tags. */
  sync(state: DeckState): Promise<DeckEvent[]>
  reset(): Promise<DeckEvent[]>
}

/** How decK is called. */
export type DeckCall = {
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
const inParallel = 10

/** Talks to an Admin API as decK does; what of decK's source is known is in its requests and in how it compares, and nothing more. */
export function speakDeck(call: DeckCall): Deck {
  const ask = asking(call)
  const deck: Deck = {
    async ping() {
      const { version } = (await ask('GET', '/')) as { version: string }
      if (!/^\d+\.\d+/.test(version)) throw new Error(`no version: ${version}`)
      return version
    },
    dump: () => readState(ask, call.tags ?? []),
    async validate(state) {
      for (const [kind, objects] of Object.entries(state)) {
        if (kind === 'members') continue
        const name = schemaNames[kind] ?? kind
        for (const object of objects) await ask('POST', `/schemas/${name}/validate`, object)
      }
    },
    async diff(state) {
      const wanted = tagged(state, call.tags ?? [])
      // Of a workspace that is not there decK asks neither what it holds nor what its defaults are.
      if (!(await hasWorkspace(call))) return compare(wanted, {})
      const current = await readState(ask, call.tags ?? [])
      return compare(await fillDefaults(ask, wanted), current)
    },
    async sync(state) {
      if (!(await hasWorkspace(call))) await ask('POST', '/workspaces', { name: call.workspace })
      const events = await deck.diff(state)
      for (const level of levels) await inLevel(events, level, (event) => write(ask, event))
      for (const level of levels.toReversed()) {
        await inLevel(events, level, (event) => remove(ask, event))
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

type AccessRequest = (method: string, path: string, body?: unknown) => Promise<unknown>

/** Refuses what decK would not go on after. */
function asking({ url, token, workspace }: DeckCall): AccessRequest {
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

async function hasWorkspace({ url, token, workspace }: DeckCall): Promise<boolean> {
  if (workspace === undefined) return true
  const path = `${url}/${workspace}/workspaces/${workspace}`
  const { status } = await fetch(path, { headers: { 'kong-admin-token': token } })
  if (status !== 200 && status !== 404) throw new Error(`${path}: ${status}`)
  return status === 200
}

async function readState(ask: AccessRequest, tags: readonly string[]): Promise<DeckState> {
  const kinds = levels.flat().filter((kind) => !['targets', 'members'].includes(kind))
  const lists = await Promise.all(
    kinds.map(async (kind) => [kind, await readList(ask, `/${kind}`, tags)] as const),
  )
  const state: Record<string, DeckObject[]> = Object.fromEntries(lists)
  state['targets'] = []
  for (const { id } of state['upstreams'] ?? []) {
    state['targets'].push(...(await readList(ask, `/upstreams/${id}/targets`, tags)))
  }
  state['members'] = []
  for (const { name } of state['consumer_groups'] ?? []) {
    const whole = (await ask('GET', `/consumer_groups/${String(name)}`)) as {
      consumer_group: DeckObject
      consumers: DeckObject[]
    }
    for (const consumer of whole.consumers) {
      state['members'].push(membership(whole.consumer_group.id, consumer.id))
    }
  }
  return state
}

/** That a consumer is in a group, as an object of its own. */
export const membership = (group: string, consumer: string): DeckObject => ({
  id: `${group} ${consumer}`,
  group,
  consumer,
})

async function readList(
  ask: AccessRequest,
  path: string,
  tags: readonly string[],
): Promise<DeckObject[]> {
  const found: DeckObject[] = []
  let offset = ''
  do {
    const search = new URLSearchParams({ size: '1000' })
    if (offset !== '') search.set('offset', offset)
    if (tags.length > 0) search.set('tags', tags.join(','))
    const page = (await ask('GET', `${path}?${search.toString()}`)) as {
      data: Record<string, unknown>[]
      offset?: string
    }
    found.push(...page.data.map((object) => decoded(object)))
    offset = page.offset ?? ''
  } while (offset !== '')
  return found
}

/** What Go's decoder makes of an object: a null is an absent field, and times are integers but for targets. */
function decoded(object: Record<string, unknown>): DeckObject {
  const { snis: _snis, created_at: created, updated_at: _updated, ...kept } = object
  if (!Number.isInteger(created)) throw new Error(`created_at is no integer: ${String(created)}`)
  const { config, ...fields } = kept
  return { ...(withoutNulls(fields) as DeckObject), ...(isRecord(config) ? { config } : {}) }
}

/** Settings of plugins and vaults are maps to decK, in which a null stays; all else is structs. */
function withoutNulls(value: unknown): unknown {
  if (!isRecord(value)) return value
  const kept = Object.entries(value).filter(([, inner]) => inner !== null)
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutNulls(inner)]))
}

/** Tags that select are put on everything that can carry tags. */
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

async function fillDefaults(ask: AccessRequest, state: DeckState): Promise<DeckState> {
  const filled: Record<string, DeckObject[]> = {}
  for (const [kind, objects] of Object.entries(state)) {
    if (kind === 'plugins' || kind === 'vaults') {
      filled[kind] = await Promise.all(objects.map((object) => fillConfig(ask, kind, object)))
    } else if (withDefaults.has(kind)) {
      const schema = (await ask('GET', `/schemas/${kind}`)) as Field
      const defaults = defaultsIn(schema.fields ?? [])
      filled[kind] = objects.map((object) => merged(defaults, object) as DeckObject)
    } else {
      filled[kind] = [...objects]
    }
  }
  return filled
}

/** The default of every field; a record's are those of its fields. */
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

function merged(defaults: Record<string, unknown>, given: Record<string, unknown>) {
  const whole: Record<string, unknown> = { ...defaults, ...given }
  for (const [name, value] of Object.entries(defaults)) {
    const own = given[name]
    if (isRecord(value) && isRecord(own)) whole[name] = merged(value, own)
  }
  return whole
}

async function fillConfig(
  ask: AccessRequest,
  kind: string,
  object: DeckObject,
): Promise<DeckObject> {
  const schema = (await ask('GET', `/schemas/${kind}/${String(object['name'])}`)) as Field
  const fields = Object.assign({}, ...(schema.fields ?? [])) as Record<string, Field>
  const given = (object['config'] ?? {}) as object
  const config = fillRecord(fields['config']?.fields ?? [], given)
  if (kind === 'vaults') return { ...object, config }
  return { enabled: true, protocols: fields['protocols']?.default, ...object, config }
}

/** Every field of a plugin's settings: as given, else its default, else an explicit null; into a record only where it is required or given. */
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

/** decK compares whole objects where it knows the defaults, elsewhere what the file says; never a hashed password. */
function isEqual(kind: string, wanted: DeckObject, current: DeckObject): boolean {
  const names =
    withDefaults.has(kind) || kind === 'plugins'
      ? [...new Set([...Object.keys(wanted), ...Object.keys(current)])]
      : Object.keys(wanted)
  return names
    .filter((name) => !(kind === 'basic-auths' && name === 'password'))
    .every((name) => canonical(wanted[name]) === canonical(current[name]))
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_name, inner: unknown) => {
    if (!isRecord(inner)) return inner
    const { name: _own, ...lone } = inner
    const members = typeof inner['id'] === 'string' ? { id: lone['id'] } : inner
    return Object.fromEntries(Object.entries(members).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }) ?? ''

/** So many requests at a time; the next level begins when the one before is done. */
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
  await Promise.all(Array.from({ length: inParallel }, work))
}

async function write(ask: AccessRequest, { does, kind, object }: DeckEvent): Promise<unknown> {
  if (does === 'delete') return undefined
  if (kind === 'members') {
    const { group, consumer } = object
    return ask('POST', `/consumer_groups/${String(group)}/consumers`, { consumer })
  }
  return ask('PUT', pathOf(kind, object), object)
}

async function remove(ask: AccessRequest, { does, kind, object }: DeckEvent): Promise<unknown> {
  if (does !== 'delete') return undefined
  if (kind === 'members') {
    // It goes with its group or consumer, which may be gone by now.
    const path = `/consumer_groups/${String(object['group'])}/consumers/${String(object['consumer'])}`
    return ask('DELETE', path)
  }
  return ask('DELETE', pathOf(kind, object))
}

function pathOf(kind: string, object: DeckObject): string {
  const idIn = (field: string): string => String((object[field] as { id?: unknown }).id)
  const under = nested[kind]
  if (under !== undefined) return `/consumers/${idIn('consumer')}/${under}/${object.id}`
  if (kind === 'targets') return `/upstreams/${idIn('upstream')}/targets/${object.id}`
  return `/${kind}/${object.id}`
}
