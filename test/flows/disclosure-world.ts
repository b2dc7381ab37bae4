import fc from 'fast-check'
import { adminRoutes } from '../../src/admin/open-admin.ts'
import { entities, type Entity, type EntityName } from '../../src/entities/entities.ts'
import type { Entry } from '../../src/entities/entry.ts'
import type { TestAdmin } from './admin-harness.ts'
import { samples } from './admin-samples.ts'

/** A word in names, hosts and labels that occurs nowhere else: no id, time or text of Weir contains it. */
const wordPattern = /zq\d+zq/g
let words = 0
export const freshWord = (): string => `zq${(words += 1)}zq`

/** Fills a workspace with two of each kind, every name a word of its own, and what refers to them. */
export async function fillWorkspace({ ask }: TestAdmin, workspace: string): Promise<void> {
  const post = async (path: string, body: unknown): Promise<{ readonly id: string }> => {
    const { status, body: made, text } = await ask('POST', `/${workspace}${path}`, body)
    if (status !== 201) throw new Error(`${path}: ${status} ${text}`)
    return { id: (made as { id: string }).id }
  }
  for (let at = 0; at < 2; at += 1) {
    const service = await post('/services', { name: freshWord(), host: `${freshWord()}.example` })
    const route = await post('/routes', { name: freshWord(), paths: [`/${freshWord()}`], service })
    const consumer = await post('/consumers', { username: freshWord(), custom_id: freshWord() })
    await post(`/consumers/${consumer.id}/acls`, { group: freshWord() })
    await post(`/consumers/${consumer.id}/key-auth`, { key: freshWord() })
    const group = await post('/consumer_groups', { name: freshWord() })
    await post(`/consumer_groups/${group.id}/consumers`, { consumer: consumer.id })
    const upstream = await post('/upstreams', { name: `${freshWord()}.pool` })
    await post(`/upstreams/${upstream.id}/targets`, { target: `${freshWord()}.target:80` })
    await post('/vaults', { prefix: freshWord(), name: 'env' })
    await post('/key-sets', { name: freshWord() })
    const pair = samples['certificate']?.body(at) ?? {}
    const certificate = await post('/certificates', pair)
    await post('/snis', { name: `${freshWord()}.sni`, certificate })
    for (const scope of [{ service }, { route }, { consumer }]) {
      await post('/plugins', { name: 'plain', instance_name: freshWord(), ...scope })
    }
    await post('/rbac/roles', { name: freshWord() })
  }
}

/** Everything that could be disclosed of an entry: its id, and the words in its fields. */
export const tokensOf = ({ id, fields }: Entry): readonly string[] => [
  id,
  ...(JSON.stringify(fields).match(wordPattern) ?? []),
  ...(JSON.stringify(fields).match(/[\da-f]{8}-[\da-f-]{27}/g) ?? []),
]

export type Thing = { readonly entity: Entity; readonly entry: Entry; readonly isHidden: boolean }

/** Everything that there is, and whether a principal may read it. */
export function thingsFor({ configuration }: TestAdmin, principal: string): readonly Thing[] {
  const { mayRead } = configuration.readerFor(principal)
  return entities.flatMap((entity: Entity) =>
    [...(configuration.current().entries.get(entity.name)?.values() ?? [])].map((entry) => ({
      entity,
      entry,
      isHidden: !mayRead(entity.name, entry),
    })),
  )
}

const named = [
  'services',
  'routes',
  'consumers',
  'consumer_groups',
  'plugins',
  'upstreams',
] as const
const kinds = [
  ...named,
  'targets',
  'vaults',
  'key-sets',
  'certificates',
  'snis',
  'acls',
  'key-auths',
]
const tools = ['/config/*', '/config/*/*', '/config/*/*/*', '/tags', '/tags/*', '/metrics', '/']
const governance = [
  '/rbac/*',
  '/rbac/*/*',
  '/rbac/*/*/*',
  '/audit',
  '/audit/*',
  '/groups',
  '/groups/*',
]

const textOf = (value: unknown): string | undefined =>
  typeof value === 'string' ? value : undefined

/** The key of an entry, or its id. */
export const nameIn = ({ entity: { key = 'id' }, entry }: Thing): string =>
  textOf(entry.fields[key]) ?? entry.id

export type RandomRole = {
  readonly endpoints: readonly { readonly endpoint: string; readonly negative?: boolean }[]
  /** Ids of entities. */
  readonly denied: readonly string[]
}

/** Roles that may read a part of a workspace: all or some kinds, without some entities by name, by id, or by entity permission. */
export function arbitraryRole(
  { configuration }: TestAdmin,
  workspace: string,
): fc.Arbitrary<RandomRole> {
  const items = named.flatMap((plural) => {
    const { name, key = 'id' } = entities.find((one) => one.plural === plural) as Entity
    return configuration
      .list({ entity: name, workspace })
      .map(({ id, fields }) => ({ plural, id, name: textOf(fields[key]) ?? id }))
  })
  const of = (plural: string): string[] => [
    `/${plural}`,
    `/${plural}/*`,
    `/${plural}/*/*`,
    `/*/*/${plural}`,
  ]
  const allowed: fc.Arbitrary<string[]> = fc.oneof(
    fc.constant<string[]>(['*']),
    fc
      .subarray(kinds, { minLength: 1 })
      .map((some) => [...some.flatMap(of), ...tools, ...governance]),
  )
  const item = fc
    .tuple(fc.constantFrom(...items), fc.boolean())
    .map(([one, isById]) => `/${one.plural}/${isById ? one.id : one.name}`)
  return fc
    .record({
      allowed,
      kinds: fc.subarray(kinds, { maxLength: 3 }),
      items: fc.array(item, { maxLength: 4 }),
      denied: fc.subarray(
        items.map(({ id }) => id),
        { maxLength: 4 },
      ),
    })
    .map(({ allowed: open, kinds: closed, items: some, denied }) => {
      const negative = [...new Set([...closed.flatMap(of), ...some])]
      return {
        denied,
        endpoints: [
          ...open
            .filter((endpoint) => !negative.includes(endpoint))
            .map((endpoint) => ({ endpoint })),
          ...negative.map((endpoint) => ({ endpoint, negative: true })),
        ],
      }
    })
}

const paths = adminRoutes({ version: '', node: '', requests: () => 0 })
  .map(({ path }) => path)
  // Records quote the requests of the test itself; earlier ones are read separately.
  .filter((path) => !path.startsWith('/audit'))

/** A path with what is written in place of its parameters, and the same path for what does not exist. */
export type Probe = {
  readonly path: string
  readonly written: readonly string[]
  readonly absent: string
}

let turns = 0

const absentWord = 'nothing-like-this'
const absentId = '00000000-0000-4000-8000-0000000000ff'

/** For every path of the Admin API: itself, and with each parameter a hidden entity of its kind by name and by id. */
export function probesOf(things: readonly Thing[]): readonly Probe[] {
  return paths.flatMap((pattern): Probe[] => {
    const segments = pattern.split('/')
    const kindAt = (at: number): Entity | undefined =>
      collections.get(segments.slice(at - 2, at).join('/')) ??
      collections.get(segments[at - 1] ?? '')
    const at = segments.findIndex((segment) => segment.startsWith(':'))
    const kind = at < 0 ? undefined : kindAt(at)
    const rest = (first: string): string =>
      [...segments.slice(0, at), first, ...segments.slice(at + 1)]
        .map((segment) => (segment.startsWith(':') || segment === '*' ? absentWord : segment))
        .join('/')
    if (at < 0) return [{ path: pattern, written: [], absent: pattern }]
    const hidden = things.filter(({ entity, isHidden }) => isHidden && entity === kind)
    turns += 1
    return hidden.slice(turns % hidden.length, (turns % hidden.length) + 1).flatMap((thing) => {
      const { entry } = thing
      const key = nameIn(thing)
      const name = /zq\d+zq/.test(key) ? key : entry.id
      return [
        { path: rest(encodeURIComponent(name)), written: [name], absent: rest(absentWord) },
        { path: rest(entry.id), written: [entry.id], absent: rest(absentId) },
      ]
    })
  })
}

/** The text of an answer without what was written in the request. */
export const withoutWritten = (text: string, written: readonly string[]): string =>
  [...written, absentWord, absentId].reduce((rest, word) => rest.replaceAll(word, '_'), text)

const collections: ReadonlyMap<string, Entity> = new Map([
  ...entities.map((entity: Entity) => [entity.plural, entity] as const),
  ...(['admins', 'groups'] as const).map((name) => {
    const plural = name === 'admins' ? 'rbac/users' : 'rbac/groups'
    return [name, entities.find((one) => one.plural === plural) as Entity] as const
  }),
])

const limiter = { name: 'limiter', config: { minute: 1 } }

/** Bodies with a reference to something, as the Admin API and a document take it. */
export const referencesTo = (
  kind: EntityName,
  reference: Readonly<Record<string, string>>,
): readonly (readonly [path: string, body: unknown])[] => {
  const value = Object.values(reference)[0] ?? ''
  const document = (more: object) => ({ _format_version: '3.0', ...more })
  const keep = '?keep_rest=true'
  if (kind === 'service') {
    return [
      ['/routes', { name: 'mine', paths: ['/mine'], service: reference }],
      ['/plugins', { ...limiter, instance_name: 'mine', service: reference }],
      [`/config/diff${keep}`, document({ routes: [{ name: 'mine', service: value }] })],
      [`/config/validate${keep}`, document({ plugins: [{ ...limiter, service: value }] })],
    ]
  }
  if (kind !== 'consumer') return []
  return [
    ['/plugins', { ...limiter, instance_name: 'mine', consumer: reference }],
    ['/acls', { group: 'mine', consumer: reference }],
    [`/config/diff${keep}`, document({ plugins: [{ ...limiter, consumer: value }] })],
  ]
}
