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

/** An application of a consumer that asks for OAuth 2.0 tokens. */
export const oauth2 = defineEntity(
  {
    name: 'oauth2',
    plural: 'oauth2',
    declaredAs: 'oauth2_credentials',
    about: 'An application of a consumer that asks for OAuth 2.0 tokens.',
    key: 'client_id',
    unique: ['client_id'],
    refersTo: { consumer: 'consumer' },
    belongsTo: 'consumer',
    secret: ['client_secret'],
    reveals: 'readers',
    generated: ['client_id', 'client_secret'],
    fields: z.strictObject({
      consumer: reference(),
      name: z.string().min(1),
      client_id: z.string().min(1).optional().describe('Made when absent.'),
      client_secret: z.string().min(1).optional().describe('Made when absent.'),
      hash_secret: z
        .boolean()
        .default(false)
        .describe('Keep only a hash of the secret, which is then answered once.'),
      redirect_uris: optional(z.array(redirectUri)).describe(
        'Where its users may be sent back to.',
      ),
      client_type: z.enum(['confidential', 'public']).default('confidential'),
      tags: tags(),
    }),
  },
  {
    hashSecret: (_field, clear, fields, tools) =>
      fields['hash_secret'] === true ? tools.hashSecret(clear) : undefined,
  },
)
