import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { optional, reference, tags } from '../fields.ts'

const redirectUri = z.string().superRefine((uri, context) => {
  const parsed = URL.parse(uri)
  if (parsed === null || parsed.host === '')
    context.addIssue({ code: 'custom', message: `cannot parse '${uri}'` })
  else if (uri.includes('#'))
    context.addIssue({ code: 'custom', message: `fragment not allowed in '${uri}'` })
})

export const oauth2 = defineEntity(
  {
    name: 'oauth2',
    plural: 'oauth2',
    declaredAs: 'oauth2_credentials',
    about: 'An OAuth 2.0 client of a consumer.',
    key: 'client_id',
    unique: ['client_id'],
    refersTo: { consumer: 'consumer' },
    belongsTo: 'consumer',
    secret: ['client_secret'],
    reveals: 'readers',
    generated: ['client_id', 'client_secret'],
    fields: z.strictObject({
      consumer: reference().describe('The consumer that the credential identifies.'),
      name: z.string().min(1).describe('Name of the application.'),
      client_id: z
        .string()
        .min(1)
        .optional()
        .describe('Client identifier. Unique in the workspace. Generated when omitted.'),
      client_secret: z
        .string()
        .min(1)
        .optional()
        .describe('Client secret. Generated when omitted.'),
      hash_secret: z
        .boolean()
        .default(false)
        .describe(
          'Store only a hash of the secret. The clear secret is then answered once, on creation.',
        ),
      redirect_uris: optional(z.array(redirectUri)).describe(
        'Allowed redirect URIs: absolute, without a fragment.',
      ),
      client_type: z
        .enum(['confidential', 'public'])
        .default('confidential')
        .describe('Client type of RFC 6749 section 2.1.'),
      tags: tags(),
    }),
  },
  {
    hashSecret: (_field, clear, fields, tools) =>
      fields['hash_secret'] === true ? tools.hashSecret(clear) : undefined,
  },
)
