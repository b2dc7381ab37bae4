import { z } from 'zod'
import { optional } from '../../entities/fields.ts'

/** Kong's `custom_fields_by_lua`, which is accepted without fields only. */
export const customFieldsByLua = () =>
  optional(
    z.record(z.string(), z.string()).refine((fields) => Object.keys(fields).length === 0, {
      error: 'not supported: Weir does not run Lua; leave it out',
    }),
  ).describe('Kong’s Lua expressions for further fields. Not supported: must be empty.')

/** Kong's type `url`. */
export const httpUrl = () =>
  z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: 'missing host in url',
  })

/** A header name as Kong accepts it. */
export const headerName = () =>
  z.string().regex(/^[!#$%&'*+.^_`|~\w-]+$/, { error: 'expected a header name' })

export const milliseconds = (fallback: number) => z.number().min(0).default(fallback)
