import { z } from 'zod'
import type { AnyFields } from '../declaration.ts'
import { defineEntity } from '../entity.ts'
import { optional, reference, tags } from '../fields.ts'
import type { EntityTools } from '../hooks.ts'
import { keyPem, publicKeyPem, readPem, refusedEntity } from './pem.ts'
import { isReference } from '../secret-reference.ts'

/** Keys that are used together, such as those of one issuer. */
export const keySet = defineEntity({
  name: 'key-set',
  plural: 'key-sets',
  declaredAs: 'key_sets',
  about: 'Keys that are used together, such as those of one issuer.',
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({ name: optional(z.string().min(1)), tags: tags() }),
})

/** A key of any kind, as a JWK or as PEM, with the id by which tokens name it. */
export const key = defineEntity(
  {
    name: 'key',
    plural: 'keys',
    about: 'A key of any kind, as a JWK or as PEM, with the id by which tokens name it.',
    key: 'name',
    unique: ['name', ['kid', 'set']],
    refersTo: { set: 'key-set' },
    cascades: ['set'],
    secret: ['jwk', 'pem'],
    reveals: 'writers',
    fields: z.strictObject({
      set: optional(reference()),
      name: optional(z.string().min(1)),
      kid: z.string().min(1).describe('The id by which tokens name the key.'),
      jwk: optional(z.string().min(1)).describe('The key as the JSON text of a JWK.'),
      pem: optional(
        z.strictObject({
          private_key: optional(keyPem()),
          public_key: optional(publicKeyPem()),
        }),
      ).describe('The key as PEM.'),
      tags: tags(),
    }),
    check({ value, issues }) {
      for (const message of complaints(value)) {
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

function complaints({ kid, jwk, pem }: AnyFields): string[] {
  if (jwk === null && pem === null)
    return [`at least one of these fields must be non-empty: 'jwk', 'pem'`]
  if (jwk !== null && pem !== null)
    return [`only one or none of these fields must be set: 'jwk', 'pem'`]
  return pem === null ? jwkComplaints(String(jwk), kid) : pemComplaints(pem)
}

function jwkComplaints(text: string, kid: unknown): string[] {
  if (isReference(text)) return []
  const jwk = parseJson(text)
  if (typeof jwk !== 'object' || jwk === null) return ['could not json decode jwk string']
  return (jwk as { kid?: unknown }).kid === kid ? [] : ['kid in jwk.kid must be equal to keys.kid']
}

function pemComplaints(pem: unknown): string[] {
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
    throw refusedEntity('could not load JWK, likely not a valid key')
  const { private_key: privateKey, public_key: publicKey = null } = (pem ?? {}) as AnyFields
  if (typeof privateKey === 'string' && !isReference(privateKey))
    readPem('pem', 'key', () => tools.readPrivateKey(privateKey))
  if (publicKey !== null && !tools.isPublicKey(publicKey))
    throw refusedEntity('could not load public key')
}

function isJwk(text: string, tools: EntityTools): boolean {
  const jwk = JSON.parse(text) as Readonly<Record<string, unknown>>
  // A symmetric key has nothing that could be wrong but its form, which RFC 7518 gives.
  return jwk['kty'] === 'oct'
    ? /^[\w-]+$/.test(String(jwk['k']))
    : tools.isPublicKey({ key: jwk, format: 'jwk' })
}
