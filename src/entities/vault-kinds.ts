import { z } from 'zod'
import { between, optional } from './fields.ts'

const seconds = () => optional(between(0, 2 ** 31 - 1))

/** A kind of place where secrets are kept: what it is, and what it wants to know. */
export type VaultKind = { readonly about: string; readonly settings: z.ZodObject }

/** Every kind of vault by its name, with Kong's settings. */
export const vaultKinds = {
  env: {
    about: 'Environment variables of the gateway.',
    settings: z.strictObject({
      prefix: optional(z.string().min(1)).describe('Put before the name of every variable.'),
      base64_decode: z.boolean().default(false).describe('Values are base64.'),
    }),
  },
  file: {
    about: 'Files, one for each secret, as container platforms mount them.',
    settings: z.strictObject({
      prefix: z
        .string()
        .startsWith('/', { error: 'should start with: /' })
        .describe('The folder that holds them.'),
      base64_decode: z.boolean().default(false).describe('Contents are base64.'),
    }),
  },
  hcv: {
    about: 'HashiCorp Vault, by its HTTP API.',
    settings: z.strictObject({
      protocol: z.enum(['http', 'https']).default('http'),
      host: z.string().min(1).default('127.0.0.1'),
      port: between(0, 65_535).default(8200),
      mount: z.string().min(1).default('secret').describe('Where the secrets engine is.'),
      kv: z.enum(['v1', 'v2']).default('v1').describe('Version of the secrets engine.'),
      namespace: optional(z.string().min(1)),
      auth_method: z.enum(['token']).default('token'),
      token: optional(z.string().min(1)).describe('What Weir shows to be let in.'),
      ttl: seconds().describe('Seconds for which a secret is remembered; for ever when unset.'),
      neg_ttl: seconds().describe('Seconds for which it is remembered that there is none.'),
      resurrect_ttl: seconds().describe('Seconds for which an old one does when none can be had.'),
    }),
  },
} as const satisfies Readonly<Record<string, VaultKind>>

/** The name of a kind of vault. */
export type VaultName = keyof typeof vaultKinds

/** The kind of vault of a name; undefined when there is none. */
export const vaultKindNamed = (name: unknown): VaultKind | undefined =>
  typeof name === 'string' && Object.hasOwn(vaultKinds, name)
    ? vaultKinds[name as VaultName]
    : undefined
