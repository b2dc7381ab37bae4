import { z } from 'zod'
import { isReference } from '../../entities/secret-reference.ts'
import { optional } from '../../entities/fields.ts'

/** Kong's `custom_fields_by_lua`, which is accepted without fields only. */
export const customFieldsByLua = () =>
  optional(
    z.record(z.string(), z.string()).refine((fields) => Object.keys(fields).length === 0, {
      error: 'not supported: Weir does not run Lua; omit it',
    }),
  ).describe('Kong’s Lua expressions for further fields. Not supported: must be empty.')

/** Kong's type `url`, or a reference to a vault that has one. */
export const httpUrl = () =>
  z.string().refine((text) => isReference(text) || isHttpUrl(text), {
    error: 'missing host in url',
  })

const isHttpUrl = (text: string): boolean =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)

/** A header name as Kong accepts it. */
export const headerName = () =>
  z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, { error: 'expected a header name' })

export const milliseconds = (fallback: number) => z.number().min(0).default(fallback)
