import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { schemaViolation } from '../kong-problem.ts'
import { optional, reference, tags } from '../fields.ts'
import { publicKeyPem } from '../certificates/pem.ts'

const algorithms = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
] as const

/** A key by which the signed tokens of a consumer are verified. */
export const jwt = defineEntity(
  {
    name: 'jwt',
    plural: 'jwts',
    nestedAs: 'jwt',
    declaredAs: 'jwt_secrets',
    about: 'A key by which the signed tokens of a consumer are verified.',
    key: 'key',
    unique: ['key'],
    refersTo: { consumer: 'consumer' },
    belongsTo: 'consumer',
    secret: ['secret'],
    reveals: 'readers',
    generated: ['key', 'secret'],
    fields: z.strictObject({
      consumer: reference(),
      key: z.string().min(1).optional().describe('The iss of the tokens; made when absent.'),
      secret: z.string().min(1).optional().describe('For HS algorithms; made when absent.'),
      rsa_public_key: optional(publicKeyPem()).describe('For every other algorithm; PEM.'),
      algorithm: z.enum(algorithms).default('HS256'),
      tags: tags(),
    }),
    check({ value, issues }) {
      if (String(value['algorithm']).startsWith('HS') || value['rsa_public_key'] !== null) return
      const given = `failed conditional validation given value of field 'algorithm'`
      const missing = 'required field missing'
      issues.push({ code: 'custom', message: given, path: [], input: value })
      issues.push({ code: 'custom', message: missing, path: ['rsa_public_key'], input: value })
    },
  },
  {
    complete(fields, { tools }) {
      const key = fields['rsa_public_key'] ?? null
      if (key !== null && !tools.isPublicKey(key))
        throw schemaViolation({ rsa_public_key: 'invalid key' })
      return fields
    },
  },
)
