import { z } from 'zod'
import { checkAddress } from '../check-address.ts'
import { defineEntity } from '../entity.ts'
import { optional, tags } from '../fields.ts'
import { vaultKindNamed, vaultKinds } from '../vault-kinds.ts'

export const vault = defineEntity(
  {
    name: 'vault',
    plural: 'vaults',
    about: 'A secret store that plugins and certificates reference as `{vault://prefix/secret}`.',
    key: 'prefix',
    unique: ['prefix'],
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
        .describe(
          'Prefix in references: lower-case letters, digits and hyphens. Unique in the workspace.',
        ),
      name: z.string().min(1).describe('Type of the vault: `env`, `file` or `hcv`.'),
      description: optional(z.string()).describe('Free text.'),
      config: z
        .record(z.string(), z.unknown())
        .default({})
        .describe('Settings of the vault type; see /schemas/vaults/{name}. Merged by PATCH.'),
      tags: tags(),
    }),
  },
  {
    complete(fields, { refusalOf }) {
      const { host, port } = fields['config'] as { host?: unknown; port?: unknown }
      if (typeof host === 'string' && typeof port === 'number')
        checkAddress('config', host, port, refusalOf)
      return fields
    },
    configSchema: (name) => vaultKindNamed(name)?.settings,
    unknownName: (name) => `vault '${name}' is not installed`,
  },
)
