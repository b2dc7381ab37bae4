import { queryOptions } from '@tanstack/react-query'
import { requestJson } from '../api/request-json.ts'

/** A JSON Schema in the OpenAPI document. */
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

/** An operation in the OpenAPI document. */
export type Operation = {
  readonly tags: readonly string[]
  readonly summary?: string
  readonly responses: Readonly<Record<string, unknown>>
}

/** The parts of the OpenAPI document that the reference reads. */
export type ApiDocument = {
  readonly tags: readonly { readonly name: string; readonly description?: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly components: { readonly schemas: Readonly<Record<string, FieldSchema>> }
}

export const documentPath = '/admin/openapi.json'

/** The OpenAPI document of the Admin API; it changes only with the version. */
export const documentQuery = queryOptions({
  queryKey: ['api-document'],
  queryFn: ({ signal }) => requestJson<ApiDocument>(documentPath, { signal }),
  staleTime: Number.POSITIVE_INFINITY,
})
