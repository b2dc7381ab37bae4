import { z } from 'zod'
import type { AnyFields } from '../declaration.ts'
import { defineEntity } from '../entity.ts'
import { optional, reference, tags } from '../fields.ts'
import type { EntityTools } from '../hooks.ts'
import { keyPem, publicKeyPem, readPem, entityViolation } from './pem.ts'
import { referenceable } from '../referenceable-fields.ts'
import { isReference } from '../secret-reference.ts'

export const keySet = defineEntity({
  name: 'key-set',
  plural: 'key-sets',
  declaredAs: 'key_sets',
  about: 'A set of keys, such as the JWKS of one token issuer.',
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({
    name: optional(z.string().min(1)).describe(
      'Name of the key set. Unique in the workspace; accepted in place of the id in paths.',
    ),
    tags: tags(),
  }),
})

export const key = defineEntity(
  {
    name: 'key',
    plural: 'keys',
    about: 'A cryptographic key, as a JWK or PEM, with the key id (kid) that tokens refer to.',
    key: 'name',
    unique: ['name', ['kid', 'set']],
    refersTo: { set: 'key-set' },
    cascades: ['set'],
    secret: ['jwk', 'pem'],
    reveals: 'writers',
    fields: z.strictObject({
      set: optional(reference()).describe('The key set that the key is part of.'),
      name: optional(z.string().min(1)).describe(
        'Name of the key. Unique in the workspace; accepted in place of the id in paths.',
      ),
      kid: z
        .string()
        .min(1)
        .describe('Key id, as in the `kid` header of tokens. Unique in its set.'),
      jwk: optional(referenceable(z.string().min(1))).describe(
        'The key as JSON Web Key (RFC 7517) in JSON text, or a vault reference. Exclusive with `pem`.',
      ),
      pem: optional(
        z.strictObject({
          private_key: optional(referenceable(keyPem())).describe(
            'Private key, PEM encoded without a passphrase, or a vault reference.',
          ),
          public_key: optional(referenceable(publicKeyPem())).describe(
            'Public key, PEM encoded, or a vault reference.',
          ),
        }),
      ).describe('The key as PEM, with a public key, a private key or both. Exclusive with `jwk`.'),
      tags: tags(),
    }),
    check({ value, issues }) {
      for (const message of violations(value)) {
        issues.push({ code: 'custom', message, path: [], input: value })
      }
    },
  },
  {
    complete(fields, { tools }) {
      checkKey(fields, tools)
      return fields
    },
  },
)

function violations({ kid, jwk, pem }: AnyFields): string[] {
  if (jwk === null && pem === null)
    return [`at least one of these fields must be non-empty: 'jwk', 'pem'`]
  if (jwk !== null && pem !== null)
    return [`only one or none of these fields must be set: 'jwk', 'pem'`]
  return pem === null ? jwkViolations(String(jwk), kid) : pemViolations(pem)
}

function jwkViolations(text: string, kid: unknown): string[] {
  if (isReference(text)) return []
  const jwk = parseJson(text)
  if (typeof jwk !== 'object' || jwk === null) return ['could not json decode jwk string']
  return (jwk as { kid?: unknown }).kid === kid ? [] : ['kid in jwk.kid must be equal to keys.kid']
}

function pemViolations(pem: unknown): string[] {
  const halves = Object.values(pem as Record<string, unknown>)
  return halves.some((half) => half !== null)
    ? []
    : ['need to supply a PEM formatted public and/or private key.']
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON, which the caller refuses. The error would quote the key.
    return undefined
  }
}

function checkKey({ jwk, pem }: AnyFields, tools: EntityTools): void {
  if (typeof jwk === 'string' && !isReference(jwk) && !isJwk(jwk, tools))
    throw entityViolation('could not load JWK, likely not a valid key')
  const { private_key: privateKey, public_key: publicKey = null } = (pem ?? {}) as AnyFields
  if (typeof privateKey === 'string' && !isReference(privateKey))
    readPem('pem', 'key', () => tools.readPrivateKey(privateKey))
  if (publicKey !== null && !isReference(publicKey) && !tools.isPublicKey(publicKey))
    throw entityViolation('could not load public key')
}

function isJwk(text: string, tools: EntityTools): boolean {
  const jwk = JSON.parse(text) as Readonly<Record<string, unknown>>
  // A symmetric key is any octet sequence in base64url (RFC 7518 section 6.4.1).
  return jwk['kty'] === 'oct'
    ? /^[\w-]+$/.test(String(jwk['k']))
    : tools.isPublicKey({ key: jwk, format: 'jwk' })
}
