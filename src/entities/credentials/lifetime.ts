import { z } from 'zod'
import type { EntryOf } from '../declaration.ts'
import type { AnyOperation, Body, CredentialRotation, CredentialTimes } from '../hooks.ts'
import { entityViolation } from '../certificates/pem.ts'
import { optional } from '../fields.ts'

type Timed = { readonly ttl: number | null }

export const ttl = () =>
  optional(z.int().min(0)).describe(
    'Seconds until the credential expires; 0 or null for never. Answers contain the remaining seconds.',
  )

type Write<Fields> = {
  readonly before: EntryOf<Fields> | undefined
  readonly after: EntryOf<Fields>
  readonly given: Body
  readonly isDeclared: boolean
}

/** The ttl to store, which counts from the creation: in a document so too, in other bodies from now. */
export function storedTtl({ after, given: { ttl }, isDeclared }: Write<Timed>): Partial<Timed> {
  if (typeof ttl !== 'number') return {}
  if (isDeclared) return { ttl: ttl === 0 ? null : ttl }
  return { ttl: ttl === 0 ? null : after.updatedAt - after.createdAt + ttl }
}

/** Seconds since the epoch; null for never. Entries that are older than the field lack it. */
const expiryOf = ({ createdAt, fields: { ttl } }: EntryOf<Timed>): number | null =>
  typeof ttl === 'number' ? createdAt + ttl : null

export function presentTtl(entry: EntryOf<Timed>, now: number): { readonly ttl: number | null } {
  const expiry = expiryOf(entry)
  return { ttl: expiry === null ? null : Math.max(0, expiry - now) }
}

/** The present expiry in seconds from now. Throws for an expired credential, which a rotation must give a new one. */
export function remainingTtl(entry: EntryOf<Timed>, now: number): number | undefined {
  const { ttl: seconds } = presentTtl(entry, now)
  if (seconds === null) return undefined
  if (seconds > 0) return seconds
  throw entityViolation('the credential has expired: give a ttl for its new secret')
}

/** Fields of a credential that keeps the secret before for a time. */
export const rotationFields = () => ({
  overlap: optional(z.int().min(0)).describe(
    'In a body with a new secret: seconds for which the present one stays valid too. Not stored.',
  ),
  previous_secret: optional(z.string()).describe(
    'The secret before the last rotation. Read-only and never answered.',
  ),
  previous_expires_at: optional(z.int()).describe(
    'Until when the secret before the last rotation is valid. Read-only.',
  ),
  rotated_at: optional(z.int()).describe('When the secret was last replaced. Read-only.'),
})

type Rotation = {
  readonly overlap: number | null
  readonly previous_secret: string | null
  readonly previous_expires_at: number | null
  readonly rotated_at: number | null
}

/** Entries that are older than the fields lack them. */
type Rotating = Partial<Rotation>

export function credentialTimes(entry: EntryOf<Timed & Rotating>): CredentialTimes {
  const { rotated_at: rotated, previous_expires_at: until } = entry.fields
  return {
    issuedAt: rotated ?? entry.createdAt,
    expiresAt: expiryOf(entry),
    overlapsUntil: until ?? null,
  }
}

/** Keeps the secret before where `overlap` says so. `isComparable` is false when it would be of another kind. */
export function storedRotation<Fields extends Rotating>(
  { before, after, given: { overlap } }: Write<Fields>,
  secretOf: (fields: Fields) => string | null,
  isComparable = true,
): Rotation {
  const none = { overlap: null, previous_secret: null, previous_expires_at: null }
  if (before === undefined) return { ...none, rotated_at: null }
  const secret = secretOf(before.fields)
  if (secret === secretOf(after.fields) && isComparable) {
    const { previous_secret = null, previous_expires_at = null, rotated_at = null } = before.fields
    return { overlap: null, previous_secret, previous_expires_at, rotated_at }
  }
  const rotated = { ...none, rotated_at: after.updatedAt }
  if (!isComparable || typeof overlap !== 'number' || overlap === 0) return rotated
  return {
    ...rotated,
    previous_secret: secret,
    previous_expires_at: after.updatedAt + overlap,
  }
}

/** Members that answers do not have. */
export const hiddenRotation = { overlap: undefined, previous_secret: undefined }

/** A rotation that replaces a secret in its entry. */
export function rotateInPlace(
  entity: string,
  { id, workspace }: EntryOf<unknown>,
  secret: Body,
  { overlap, ttl }: CredentialRotation,
): readonly AnyOperation[] {
  const body = { ...secret, overlap, ...(ttl === undefined ? {} : { ttl }) }
  return [{ kind: 'update', entity, workspace, at: id, isById: true, body }]
}
