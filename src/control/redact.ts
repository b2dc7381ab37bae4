import type { Entity } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'

/** Fields with every secret replaced. */
export function redacted(
  entity: Entity,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const hidden = Object.entries(fields).map(([field, value]) => {
    const isShown = !entity.secret.includes(field) || value === null || value === undefined
    return [field, isShown ? value : 'REDACTED']
  })
  return Object.fromEntries(hidden) as Record<string, unknown>
}

/** An entry as audit records keep it: without its secrets, nor what settings inside of it hold under a secret's name. */
export const redactEntry = (entity: Entity, entry: Entry): Record<string, unknown> => ({
  entity: entity.name,
  id: entry.id,
  workspace: entry.workspace,
  ...(withoutNamedSecrets(redacted(entity, entry.fields)) as Record<string, unknown>),
})

const secretName =
  /(^|_)(password|passphrase|secret|token|credential|private_key|api_key|access_key)s?$/i

/** A reference to a vault is no secret. */
function withoutNamedSecrets(value: unknown, name = ''): unknown {
  if (typeof value === 'string')
    return secretName.test(name) && value !== '' && !value.startsWith('{vault://')
      ? 'REDACTED'
      : value
  if (Array.isArray(value)) return value.map((inner: unknown) => withoutNamedSecrets(inner, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [field, withoutNamedSecrets(inner, field)]),
  )
}

/** How an entry is called in sentences: by its key unless that is secret or unset, else by its id. */
export function nameOf(entity: Entity, entry: Entry): string {
  const { key } = entity
  if (key === undefined || entity.secret.includes(key)) return entry.id
  const name = entry.fields[key]
  return typeof name === 'string' ? name : entry.id
}
