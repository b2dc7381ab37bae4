import { z } from 'zod'
import { between, optional } from './fields.ts'
import { referenceable } from './referenceable-fields.ts'
import { isReference } from './secret-reference.ts'

const seconds = () => optional(between(0, 2 ** 31 - 1))

/** A type of vault with the schema of its settings. */
export type VaultKind = { readonly about: string; readonly settings: z.ZodObject }

/** The only reference that the settings of a vault may hold; the name is captured. */
export const envReference = /^\{vault:\/\/env\/([^/{}]+)\}$/

/** Vault types by name, with Kong's settings. */
export const vaultKinds = {
  env: {
    about: 'Environment variables of the gateway nodes.',
    settings: z.strictObject({
      prefix: optional(z.string().min(1)).describe('Prefix of the variable names.'),
      base64_decode: z
        .boolean()
        .optional()
        .describe(
          'Decode the values from base64. Not answered unless set, because decK compares it.',
        ),
    }),
  },
  file: {
    about: 'One file per secret, as container platforms mount them.',
    settings: z.strictObject({
      prefix: z
        .string()
        .startsWith('/', { error: 'should start with: /' })
        .describe('Directory of the files. Starts with a slash.'),
      base64_decode: z.boolean().default(false).describe('Decode the contents from base64.'),
    }),
  },
  hcv: {
    about: 'HashiCorp Vault, over its HTTP API.',
    settings: z.strictObject({
      protocol: z.enum(['http', 'https']).default('http').describe('Protocol of the HTTP API.'),
      host: z.string().min(1).default('127.0.0.1').describe('Host name or IP address.'),
      port: between(0, 65_535).default(8200).describe('Port of the HTTP API.'),
      mount: z.string().min(1).default('secret').describe('Mount path of the KV secrets engine.'),
      kv: z.enum(['v1', 'v2']).default('v1').describe('Version of the KV secrets engine.'),
      namespace: optional(z.string().min(1)).describe('Vault Enterprise namespace.'),
      auth_method: z.enum(['token']).default('token').describe('Authentication method.'),
      token: optional(
        referenceable(
          z
            .string()
            .min(1)
            .refine((token) => !isReference(token) || envReference.test(token), {
              error: 'expected a token, or a reference {vault://env/name}',
            }),
        ),
      ).describe('Vault token, or a reference to an environment variable, {vault://env/name}.'),
      ttl: seconds().describe(
        'Seconds for which a secret is cached. Until the restart of the node when null.',
      ),
      neg_ttl: seconds().describe('Seconds for which a missing secret is cached. 10 when null.'),
      resurrect_ttl: seconds().describe(
        'Seconds for which an expired secret is still used while the vault is unreachable. Unlimited when null.',
      ),
    }),
  },
} as const satisfies Readonly<Record<string, VaultKind>>

export type VaultName = keyof typeof vaultKinds

export const vaultKindNamed = (name: unknown): VaultKind | undefined =>
  typeof name === 'string' && Object.hasOwn(vaultKinds, name)
    ? vaultKinds[name as VaultName]
    : undefined
