import { expect, test } from 'vitest'
import { catalog } from '../../plugins/catalog.ts'
import { entities, type Entity } from '../../entities/entities.ts'
import { callers, consumers } from './callers.ts'
import { demoObjects } from './demo-objects.ts'

const objects = demoObjects([4001, 4002])

/** Last segments of the collections that objects are made in, where they differ from the plural. */
const collections: Readonly<Record<string, string>> = {
  'key-auth': 'key-auths',
  users: 'rbac/users',
  roles: 'rbac/roles',
  tokens: 'rbac/tokens',
  endpoints: 'rbac/endpoints',
}

function entityOf(method: string, path: string): Entity | undefined {
  const collection = path.split('/').at(method === 'PUT' ? -2 : -1) ?? ''
  return entities.find((entity) => entity.plural === (collections[collection] ?? collection))
}

const made = objects.filter(({ method, path }) => method === 'PUT' || !path.endsWith('/roles'))

test.each(made.map((call) => [`${call.method} ${call.path}`, call] as const))(
  '%s has a body that the schema takes',
  (_, { method, path, body }) => {
    const entity = entityOf(method, path)
    const owner = entity?.belongsTo === undefined ? {} : { [entity.belongsTo]: { name: 'owner' } }
    const key = method === 'PUT' && entity?.key ? { [entity.key]: path.split('/').at(-1) } : {}
    expect(entity?.fields.safeParse({ ...owner, ...key, ...body }).error).toBeUndefined()
  },
)

const uses = objects.filter(({ path }) => path.includes('/plugins/'))

test.each(uses.map(({ path, body }) => [path, body] as const))(
  '%s has settings that its plugin takes',
  (_, { name, config }) => {
    const plugin = catalog.find((definition) => definition.name === name)
    expect(plugin?.settings.safeParse(config ?? {}).error).toBeUndefined()
  },
)

test('what an object refers to is made before it', () => {
  const seen = new Set<string>()
  for (const { method, path, body } of objects) {
    const workspace = path.split('/')[1]
    for (const kind of ['service', 'route', 'consumer']) {
      const reference = body[kind] as { name?: string; username?: string } | undefined
      if (reference === undefined) continue
      expect(seen).toContain(`/${workspace}/${kind}s/${reference.name ?? reference.username}`)
    }
    if (method === 'PUT') seen.add(path)
  }
})

test('every caller with a name is a consumer, but the one whose key nobody has', () => {
  const names = new Set(consumers.map(({ name }) => name))
  const strangers = callers.filter(({ consumer }) => consumer !== undefined && !names.has(consumer))
  expect(strangers.map(({ consumer }) => consumer)).toEqual(['nobody'])
})
