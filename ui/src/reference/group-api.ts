import type { ApiDocument, FieldSchema, Operation } from './api-document.ts'

/** An operation of a path. */
export type Call = {
  readonly method: string
  readonly path: string
  readonly summary: string
}

/** The operations and schemas of one tag. */
export type Group = {
  readonly name: string
  readonly about: string
  readonly calls: readonly Call[]
  /** The schema of the entity, then those of its kinds, such as plugins. */
  readonly schemas: readonly (readonly [name: string, schema: FieldSchema])[]
}

const methods = ['get', 'post', 'put', 'patch', 'delete']

/** Groups the OpenAPI document by tag. */
export function groupApi(document: ApiDocument): Group[] {
  const calls = callsIn(document)
  return document.tags.map(({ name, description = '' }) => ({
    name,
    about: description,
    calls: calls.filter(({ group }) => group === name),
    schemas: schemasOf(document, name),
  }))
}

function callsIn({ paths }: ApiDocument): (Call & { readonly group: string })[] {
  return Object.entries(paths).flatMap(([path, described]) =>
    methods.flatMap((method) => {
      const operation = described[method] as Operation | undefined
      if (operation === undefined) return []
      const { tags, summary = '' } = operation
      return [{ method: method.toUpperCase(), path, summary, group: tags[0] ?? '' }]
    }),
  )
}

/** The schema that a tag's operations return, and the configuration of each plugin or vault. */
function schemasOf(
  { paths, components: { schemas } }: ApiDocument,
  group: string,
): Group['schemas'] {
  const operation = Object.values(paths)
    .flatMap((path) => methods.map((method) => path[method] as Operation | undefined))
    .find((one) => one?.tags[0] === group && one.responses['200'] !== undefined)
  const name = /"#\/components\/schemas\/([\w-]+)"/.exec(
    JSON.stringify(operation?.responses['200'] ?? ''),
  )
  const own = name?.[1]
  const schema = own === undefined ? undefined : schemas[own]
  if (own === undefined || schema === undefined) return []
  const kinds = Object.entries(schemas).filter(([one]) => one.startsWith(`${own}-`))
  const settings = ['plugin', 'vault'].includes(own) ? kinds : []
  return [[own, schema], ...settings]
}

/** The groups that contain a text in a name, path or field. */
export function searchGroups(groups: readonly Group[], typed: string): Group[] {
  const word = typed.trim().toLowerCase()
  return groups.filter((group) => JSON.stringify(group).toLowerCase().includes(word))
}
