import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, tags } from '../fields.ts'
import { vaultKindNamed, vaultKinds } from '../vault-kinds.ts'

/** A place where secrets are kept, to which `{vault://prefix/secret}` refers. */
export const vault = defineEntity(
  {
    name: 'vault',
    plural: 'vaults',
    about: 'A place where secrets are kept, to which {vault://prefix/secret} refers.',
    key: 'prefix',
    unique: ['prefix'],
    uniqueEverywhere: true,
    secret: ['config'],
    reveals: 'writers',
    merged: ['config'],
    fields: z.strictObject({
      prefix: z
        .string()
        .regex(/^[a-z][a-z\d-]*[a-z\d]$/, {
          error: (issue) => `invalid value: ${String(issue.input)}`,
        })
        .refine((prefix) => vaultKindNamed(prefix) === undefined, {
          error: `must not be one of: ${Object.keys(vaultKinds).join(', ')}`,
        })
        .describe('How references name it.'),
      name: z.string().min(1).describe('Which kind of vault.'),
      description: optional(z.string()),
      config: z
        .record(z.string(), z.unknown())
        .default({})
        .describe('What the kind wants to know; its schema is at /schemas/vaults/{name}.'),
      tags: tags(),
    }),
  },
  {
    configSchema: (name) => vaultKindNamed(name)?.settings,
    unknownName: (name) => `vault '${name}' is not installed`,
  },
)
