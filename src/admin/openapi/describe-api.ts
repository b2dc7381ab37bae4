import { entities, type Entity } from '../../entities/entities.ts'
import { searchedIn } from '../../control/search-text.ts'
import type { PluginSchema } from '../../entities/plugin-schema.ts'
import { partialKinds } from '../../entities/redis-settings.ts'
import { vaultKinds } from '../../entities/vault-kinds.ts'
import { successStatus, type AdminRoute, type Method } from '../admin-route.ts'
import { maxSearch, sortFields } from '../entities/page.ts'
import { describeEntity, describeFields, describePatch, type Described } from './describe-entity.ts'

export type ApiParts = {
  readonly version: string
  readonly routes: readonly AdminRoute[]
  readonly catalog: readonly PluginSchema[]
}

/** Builds the OpenAPI 3.1 document from the routes and the entity declarations. */
export function describeApi({ version, routes, catalog }: ApiParts): Described {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Weir Admin API',
      version,
      description:
        'Compatible with Kong’s Admin API. Prefix a path with the name of a workspace to address that workspace; without a prefix it addresses the workspace `default`.',
    },
    servers: [
      { url: '/' },
      { url: '/{workspace}', variables: { workspace: { default: 'default' } } },
    ],
    security: [{ token: [] }, { bearer: [] }],
    tags: listTags(routes),
    paths: Object.fromEntries(
      routes
        .toSorted((a, b) => (a.path < b.path ? -1 : 1))
        .map((route) => [toTemplate(route.path), describePath(route)]),
    ),
    components: {
      securitySchemes: {
        token: { type: 'apiKey', in: 'header', name: 'Kong-Admin-Token' },
        bearer: { type: 'http', scheme: 'bearer' },
      },
      schemas: {
        ...Object.fromEntries(entities.map((entity) => [entity.name, describeEntity(entity)])),
        ...Object.fromEntries(
          entities.map((entity) => [`${entity.name}-patch`, describePatch(entity)]),
        ),
        ...settingsSchemas('plugin', catalog),
        ...settingsSchemas(
          'vault',
          Object.entries(vaultKinds).map(([name, kind]) => ({ name, ...kind })),
        ),
        ...settingsSchemas(
          'partial',
          Object.entries(partialKinds).map(([name, kind]) => ({ name, ...kind })),
        ),
        problem,
      },
      responses: {
        problem: answerWith('The request failed.', { $ref: '#/components/schemas/problem' }),
      },
    },
  }
}

const problem: Described = {
  type: 'object',
  description: 'An error.',
  properties: {
    code: { type: 'integer', description: 'Kong’s error code, if it defines one.' },
    name: { type: 'string', description: 'Kong’s name for the error.' },
    message: { type: 'string' },
    fields: { type: 'object', description: 'Invalid fields, each with its error.' },
    because: {
      type: 'string',
      description: 'The rule that denied the request; present if the caller may read it.',
    },
  },
  required: ['message'],
}

const settingsSchemas = (
  kind: string,
  schemas: readonly PluginSchema[],
): Record<string, Described> =>
  Object.fromEntries(
    schemas.map(({ name, about, settings }) => [
      `${kind}-${name}`,
      { ...describeFields(settings), description: about },
    ]),
  )

/** The tag of a path: the plural of its entity, otherwise its first segment. */
const tagFor = ({ path, shows }: AdminRoute): string =>
  shows?.entity.plural ?? path.split('/')[1]?.replace(/^$/, 'node') ?? 'node'

function listTags(routes: readonly AdminRoute[]): Described[] {
  const descriptions = new Map(entities.map(({ plural, about }) => [plural, about]))
  const names = [...new Set(routes.map(tagFor))].toSorted()
  return names.map((name) => {
    const about = descriptions.get(name)
    return { name, ...(about === undefined ? {} : { description: about }) }
  })
}

const toTemplate = (path: string): string =>
  path.replaceAll(/:(\w+)/g, '{$1}').replace(/\*$/, '{rest}')

function describePath(route: AdminRoute): Described {
  const parameters = [...toTemplate(route.path).matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    description: parameterDescriptions[name] ?? 'A name.',
    schema: { type: 'string' },
  }))
  const methods = Object.keys(route.methods).map((method) => [
    method.toLowerCase(),
    describeMethod(route, method as Method),
  ])
  return { ...(parameters.length === 0 ? {} : { parameters }), ...Object.fromEntries(methods) }
}

const parameterDescriptions: Readonly<Record<string, string>> = {
  item: 'Id or name of the entity.',
  permission_workspace: 'Workspace that the permission covers.',
  parent: 'Id or name of the parent entity.',
  rest: 'Endpoint path without the leading slash.',
}

function describeMethod(route: AdminRoute, method: Method): Described {
  const { path, shows } = route
  const isList = shows?.as === 'list' && method === 'GET'
  const hasBody = method !== 'GET' && method !== 'DELETE'
  return {
    operationId: `${method.toLowerCase()}${path.replaceAll(/[^\w]+/g, '-').replace(/-$/, '')}`,
    tags: [tagFor(route)],
    ...(shows === undefined ? {} : { summary: summaryOf(shows, method) }),
    ...(isList && shows !== undefined ? { parameters: listParameters(shows.entity) } : {}),
    ...(hasBody ? { requestBody: { content: contentOf(bodySchema(route, method)) } } : {}),
    responses: {
      [String(successStatus(route, method))]: describeSuccess(route, method),
      default: { $ref: '#/components/responses/problem' },
    },
  }
}

const schemaOf = ({ name }: Entity, suffix = ''): Described => ({
  $ref: `#/components/schemas/${name}${suffix}`,
})

const bodySchema = ({ shows }: AdminRoute, method: Method): Described =>
  shows === undefined ? {} : schemaOf(shows.entity, method === 'PATCH' ? '-patch' : '')

function describeSuccess(route: AdminRoute, method: Method): Described {
  if (successStatus(route, method) === 204)
    return { description: method === 'DELETE' ? 'Deleted.' : 'Done.' }
  const { shows, answers } = route
  const schema = shows === undefined ? {} : schemaOf(shows.entity)
  const shown = shows?.as === 'list' && method === 'GET' ? pageOf(schema) : schema
  return answerWith('The request succeeded.', answers?.[method] ?? shown)
}

function summaryOf({ entity, as }: NonNullable<AdminRoute['shows']>, method: Method): string {
  const verbs: Readonly<Record<Method, string>> = {
    GET: as === 'list' ? 'List' : 'Get',
    POST: 'Create',
    PUT: 'Create or replace',
    PATCH: 'Update',
    DELETE: 'Delete',
  }
  return `${verbs[method]} ${as === 'list' && method === 'GET' ? entity.plural : entityLabel(entity)}`
}

const entityLabel = ({ name }: Entity): string =>
  `${/^[aeiou]/.test(name) ? 'an' : 'a'} ${name.replaceAll('-', ' ')}`

const pageOf = (schema: Described): Described => ({
  type: 'object',
  properties: {
    data: { type: 'array', items: schema },
    next: {
      type: ['string', 'null'],
      description: 'Path of the next page; null on the last page.',
    },
    offset: {
      type: 'string',
      description: 'Value of `offset` for the next page; absent on the last page.',
    },
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
    description: 'Maximum number of entities per page.',
    schema: { type: 'integer', minimum: 1, maximum: 1000, default: 100 },
  },
  {
    name: 'offset',
    in: 'query',
    description: 'The `offset` from the previous page.',
    schema: { type: 'string' },
  },
  {
    name: 'tags',
    in: 'query',
    description: 'Only entities with these tags: `a,b` requires all of them, `a/b` at least one.',
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
