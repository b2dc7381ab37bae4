import { z } from 'zod'
import { defineEntity } from '../entity.ts'
import { schemaViolation } from '../kong-problem.ts'
import { optional, reference, tags } from '../fields.ts'
import {
  credentialTimes,
  hiddenRotation,
  presentTtl,
  rotateInPlace,
  rotationFields,
  storedRotation,
  storedTtl,
  ttl,
} from './lifetime.ts'
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

export const jwt = defineEntity(
  {
    name: 'jwt',
    plural: 'jwts',
    nestedAs: 'jwt',
    declaredAs: 'jwt_secrets',
    about: 'A key that verifies the JSON Web Tokens of a consumer.',
    key: 'key',
    unique: ['key'],
    refersTo: { consumer: 'consumer' },
    belongsTo: 'consumer',
    secret: ['secret', 'previous_secret'],
    reveals: 'readers',
    generated: ['key', 'secret'],
    fields: z.strictObject({
      consumer: reference().describe('The consumer that the credential identifies.'),
      key: z
        .string()
        .min(1)
        .optional()
        .describe('Value of the `iss` claim that selects this credential. Generated when omitted.'),
      secret: z
        .string()
        .min(1)
        .optional()
        .describe('Shared secret for the HS algorithms. Generated when omitted.'),
      rsa_public_key: optional(publicKeyPem()).describe(
        'Public key, PEM encoded. Required for all algorithms except HS256, HS384 and HS512.',
      ),
      algorithm: z.enum(algorithms).default('HS256').describe('Signature algorithm of the tokens.'),
      ttl: ttl(),
      ...rotationFields(),
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
    beforeWrite(write) {
      const { before, after } = write
      const isSameAlgorithm = before?.fields.algorithm === after.fields.algorithm
      return { ...storedTtl(write), ...storedRotation(write, verifierOf, isSameAlgorithm) }
    },
    present: (entry, { now }) => ({ ...presentTtl(entry, now), ...hiddenRotation }),
    credential: {
      label: ({ fields }) => fields.key,
      times: credentialTimes,
      rotate(entry, rotation) {
        if (isShared(entry.fields.algorithm))
          return rotateInPlace(
            'jwt',
            entry,
            { secret: rotation.secret ?? rotation.newSecret() },
            rotation,
          )
        if (rotation.secret === undefined)
          throw schemaViolation({ secret: 'required: the new public key, PEM encoded' })
        return rotateInPlace('jwt', entry, { rsa_public_key: rotation.secret }, rotation)
      },
    },
  },
)

const isShared = (algorithm: string): boolean => algorithm.startsWith('HS')

/** The shared secret or the public key, which verifies the tokens. */
const verifierOf = (fields: {
  readonly algorithm: string
  readonly secret: string
  readonly rsa_public_key: string | null
}): string | null => (isShared(fields.algorithm) ? fields.secret : fields.rsa_public_key)
