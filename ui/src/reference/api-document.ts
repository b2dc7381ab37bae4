import { queryOptions } from '@tanstack/react-query'
import { requestJson } from '../api/request-json.ts'

/** A JSON Schema as the description of the API holds it. */
export type FieldSchema = {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly const?: string | number | boolean
  readonly anyOf?: readonly FieldSchema[]
  readonly items?: FieldSchema
  readonly properties?: Readonly<Record<string, FieldSchema>>
  readonly required?: readonly string[]
  readonly readOnly?: boolean
  readonly writeOnly?: boolean
}

/** One method of a path. */
export type Operation = {
  readonly tags: readonly string[]
  readonly summary?: string
  readonly responses: Readonly<Record<string, unknown>>
}

/** The description of the Admin API, as far as the pages read it. */
export type ApiDocument = {
  readonly tags: readonly { readonly name: string; readonly description?: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly components: { readonly schemas: Readonly<Record<string, FieldSchema>> }
}

/** Where the description is read. */
export const documentPath = '/admin/openapi.json'

/** The description of the Admin API; it changes with the program only. */
export const documentQuery = queryOptions({
  queryKey: ['api-document'],
  queryFn: ({ signal }) => requestJson<ApiDocument>(documentPath, { signal }),
  staleTime: Number.POSITIVE_INFINITY,
})
