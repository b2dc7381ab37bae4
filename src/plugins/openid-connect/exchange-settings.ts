import { z } from 'zod'
import { url } from './setting-forms.ts'

const words = () => z.array(z.string().min(1)).nullable().optional()

/** A setting of later versions of Kong. */
export const tokenExchange = z
  .strictObject({
    subject_token_issuers: z
      .array(
        z.strictObject({
          issuer: url(),
          jwks_uri: url().nullable().optional(),
          conditions: z
            .strictObject({
              has_audience: words(),
              missing_audience: words(),
              has_scopes: words(),
              missing_scopes: words(),
            })
            .nullable()
            .optional(),
        }),
      )
      .min(1),
    request: z
      .strictObject({
        scopes: words(),
        audience: words(),
        empty_scopes: z.boolean().nullable().optional(),
        empty_audience: z.boolean().nullable().optional(),
      })
      .nullable()
      .optional(),
    cache: z
      .strictObject({
        enabled: z.boolean().default(true),
        ttl: z.number().min(0).nullable().optional(),
      })
      .nullable()
      .optional(),
  })
  .nullable()
  .optional()
  .meta({ isUnlisted: true })
  .describe(
    'Exchange the tokens of other issuers, which `subject_token_issuers` lists, for tokens of this provider (RFC 8693), for `bearer`. Tokens are verified first. Those of the provider itself are exchanged where all `conditions` hold.',
  )
