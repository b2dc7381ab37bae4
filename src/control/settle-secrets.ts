import { createHash } from 'node:crypto'
import { hashSecret } from '../identity/secret-hash.ts'
import { randomSecret } from '../lib/ids.ts'
import type { Entity } from '../schema/entity.ts'
import type { Body, Operation } from './operation.ts'

type Fields = Readonly<Record<string, unknown>>

/** Fields as they are kept, with what is revealed this once: one that is made gets a random value when it has none, and of some secrets only a hash is kept. Passwords of principals come hashed. */
export function settleSecrets(
  entity: Entity,
  fields: Fields,
  given: Body,
  { isHashed }: Pick<Operation, 'isHashed'>,
): { fields: Record<string, unknown>; revealed: Record<string, string> } {
  const fresh = new Set((entity.made ?? []).filter((field) => fields[field] === undefined))
  const made = [...fresh].map((field) => [field, randomSecret(24)] as const)
  const settled: Record<string, unknown> = { ...fields, ...Object.fromEntries(made) }
  const revealed: Record<string, string> = {}
  for (const field of entity.secret) {
    settled[field] ??= null
    const isNew = fresh.has(field) || (given[field] ?? null) !== null
    const hash = isNew && isHashed !== true ? hashOf(entity, field, settled) : undefined
    if (hash === undefined) continue
    if (entity.reveals === undefined || fresh.has(field)) revealed[field] = String(settled[field])
    settled[field] = hash
  }
  return { fields: settled, revealed }
}

/** What is kept instead of a secret of which only a hash is kept. */
function hashOf(entity: Entity, field: string, fields: Fields): string | undefined {
  const clear = String(fields[field])
  if (entity.name === 'token') return hashSecret(clear)
  if (entity.name === 'oauth2' && fields['hash_secret'] === true) return hashSecret(clear)
  if (entity.name !== 'basic-auth' || field !== 'password') return undefined
  // Kong's hash, so that credentials can be moved from there and back.
  const consumer = fields['consumer'] as { id: string }
  return createHash('sha1').update(`${clear}${consumer.id}`).digest('hex')
}
