import { entities, type Entity } from '../../entities/entities.ts'
import { searchedIn } from '../../control/search-text.ts'
import type { PluginSchema } from '../../entities/plugin-schema.ts'
import { vaultKinds } from '../../entities/vault-kinds.ts'
import type { AdminRoute, Method } from '../admin-route.ts'
import { maxSearch, sortFields } from '../entities/page.ts'
import { describeEntity, describeFields, type Described } from './describe-entity.ts'

/** What the document is made from. */
export type ApiParts = {
  readonly version: string
  readonly routes: readonly AdminRoute[]
  readonly catalog: readonly PluginSchema[]
}

/** The Admin API as an OpenAPI 3.1 document; everything in it follows from the routes and the declarations of the entities. */
export function describeApi({ version, routes, catalog }: ApiParts): Described {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Weir Admin API',
      version,
      description:
        'Kong’s Admin API. Every path also exists under the name of a workspace; without one it is about the workspace `default`.',
    },
    servers: [
      { url: '/' },
      { url: '/{workspace}', variables: { workspace: { default: 'default' } } },
    ],
    security: [{ token: [] }, { bearer: [] }],
    tags: groupsOf(routes),
    paths: Object.fromEntries(
      routes
        .toSorted((a, b) => (a.path < b.path ? -1 : 1))
        .map((route) => [templateOf(route.path), describePath(route)]),
    ),
    components: {
      securitySchemes: {
        token: { type: 'apiKey', in: 'header', name: 'Kong-Admin-Token' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      schemas: {
        ...Object.fromEntries(entities.map((entity) => [entity.name, describeEntity(entity)])),
        ...settingsOf('plugin', catalog),
        ...settingsOf(
          'vault',
          Object.entries(vaultKinds).map(([name, kind]) => ({ name, ...kind })),
        ),
        problem,
      },
      responses: { problem: answerWith('A refusal.', { $ref: '#/components/schemas/problem' }) },
    },
  }
}

const problem: Described = {
  type: 'object',
  description: 'Why a request is refused.',
  properties: {
    code: { type: 'integer', description: 'Kong’s number of the refusal, where it has one.' },
    name: { type: 'string', description: 'Kong’s name of it.' },
    message: { type: 'string' },
    fields: { type: 'object', description: 'Field → what is wrong with it.' },
    because: { type: 'string', description: 'The rule that decided, for who may know it.' },
  },
  required: ['message'],
}

const settingsOf = (kind: string, schemas: readonly PluginSchema[]): Record<string, Described> =>
  Object.fromEntries(
    schemas.map(({ name, about, settings }) => [
      `${kind}-${name}`,
      { ...describeFields(settings), description: about },
    ]),
  )

/** Paths are grouped by what they are about: an entity, else their first word. */
const groupOf = ({ path, shows }: AdminRoute): string =>
  shows?.entity.plural ?? path.split('/')[1]?.replace(/^$/, 'node') ?? 'node'

function groupsOf(routes: readonly AdminRoute[]): Described[] {
  const abouts = new Map(entities.map(({ plural, about }) => [plural, about]))
  const names = [...new Set(routes.map(groupOf))].toSorted()
  return names.map((name) => {
    const about = abouts.get(name)
    return { name, ...(about === undefined ? {} : { description: about }) }
  })
}

const templateOf = (path: string): string =>
  path.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{rest}')

function describePath(route: AdminRoute): Described {
  const parameters = [...templateOf(route.path).matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: parameterWords[name] ?? 'A name.',
    schema: { type: 'string' },
  }))
  const methods = Object.keys(route.methods).map((method) => [
    method.toLowerCase(),
    describeMethod(route, method as Method),
  ])
  return { ...(parameters.length === 0 ? {} : { parameters }), ...Object.fromEntries(methods) }
}

const parameterWords: Readonly<Record<string, string>> = {
  item: 'Its id or its name.',
  parent: 'The id or name of what it belongs to.',
  rest: 'An endpoint, without its first slash.',
}

function describeMethod(route: AdminRoute, method: Method): Described {
  const { path, shows } = route
  const schema = shows === undefined ? {} : { $ref: `#/components/schemas/${shows.entity.name}` }
  const isList = shows?.as === 'list' && method === 'GET'
  const answered = isList ? pageOf(schema) : schema
  const hasBody = method !== 'GET' && method !== 'DELETE'
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^\w]+/g, '-').replace(/-$/, '')}`,
    tags: [groupOf(route)],
    ...(shows === undefined ? {} : { summary: summaryOf(shows, method) }),
    ...(isList && shows !== undefined ? { parameters: listParameters(shows.entity) } : {}),
    ...(hasBody ? { requestBody: { content: contentOf(schema) } } : {}),
    responses: {
      [statusOf(route, method)]:
        method === 'DELETE' ? { description: 'Gone.' } : answerWith('Done.', answered),
      default: { $ref: '#/components/responses/problem' },
    },
  }
}

function summaryOf({ entity, as }: NonNullable<AdminRoute['shows']>, method: Method): string {
  const verbs: Readonly<Record<Method, string>> = {
    GET: as === 'list' ? 'List' : 'Read',
    POST: 'Create',
    PUT: 'Create or replace',
    PATCH: 'Change',
    DELETE: 'Delete',
  }
  return `${verbs[method]} ${as === 'list' && method === 'GET' ? entity.plural : wordsFor(entity)}`
}

const wordsFor = ({ name }: Entity): string =>
  `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name.replaceAll('-', ' ')}`

const statusOf = ({ shows }: AdminRoute, method: Method): string =>
  method === 'DELETE' ? '204' : method === 'POST' && shows !== undefined ? '201' : '200'

const pageOf = (schema: Described): Described => ({
  type: 'object',
  properties: {
    data: { type: 'array', items: schema },
    next: { type: ['string', 'null'], description: 'Path of the next page.' },
    offset: { type: 'string', description: 'Where the next page begins; absent on the last.' },
  },
})

const listParameters = (entity: Entity): readonly Described[] => [
  ...pageParameters,
  {
    name: 'search',
    in: 'query',
    description: `Only entities that contain every word, regardless of case, in their id or in one of: ${searchedIn(entity).join(', ')}. A page can have fewer entities than \`size\` and still have an \`offset\`.`,
    schema: { type: 'string', maxLength: maxSearch },
  },
  {
    name: 'sort_by',
    in: 'query',
    description: 'Sorts by a field, text regardless of case; by id when absent.',
    schema: { type: 'string', enum: sortFields(entity) },
  },
  {
    name: 'sort_desc',
    in: 'query',
    description: 'Sorts in descending order; needs `sort_by`.',
    schema: { type: 'boolean', default: false },
  },
]

const pageParameters: readonly Described[] = [
  {
    name: 'size',
    in: 'query',
    description: 'How many at once.',
    schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
  },
  {
    name: 'offset',
    in: 'query',
    description: 'Where the page before ended.',
    schema: { type: 'string' },
  },
  {
    name: 'tags',
    in: 'query',
    description: 'Only what carries these tags: `a,b` all of them, `a/b` one of them.',
    schema: { type: 'string' },
  },
]

const contentOf = (schema: Described): Described => ({
  'application/json': { schema },
  'application/x-www-form-urlencoded': { schema },
})

const answerWith = (description: string, schema: Described): Described => ({
  description,
  content: { 'application/json': { schema } },
})
