import { z } from 'zod'
import { defineEntity } from './entity.ts'
import { optional, reference, tags } from './fields.ts'
import { keyPem, publicKeyPem } from './pem.ts'
import { isReference } from './secret-reference.ts'

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
export const key = defineEntity({
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
})

function complaints({ kid, jwk, pem }: Readonly<Record<string, unknown>>): string[] {
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
    return undefined
  }
}
