import type { Entity } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'

/** Replaces the values of secret fields. */
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

/** An entry for an audit record. Declared secrets are redacted, and nested settings whose names suggest a secret. */
export const redactEntry = (entity: Entity, entry: Entry): Record<string, unknown> => ({
  entity: entity.name,
  id: entry.id,
  workspace: entry.workspace,
  ...(withoutNamedSecrets(redacted(entity, entry.fields)) as Record<string, unknown>),
})

const secretName =
  /(^|[_-])(password|passphrase|secret|token|credential|private[_-]key|api[_-]?key|access[_-]key|authorization([_-]value)?|cookie)s?$/i

/** User name and password in a URL. */
const userInfo = /^([a-z][a-z\d+.-]*:\/\/)[^/?#@]*@/i

/** Vault references are not redacted. */
function withoutNamedSecrets(value: unknown, name = ''): unknown {
  if (typeof value === 'string')
    return secretName.test(name) && value !== '' && !value.startsWith('{vault://')
      ? 'REDACTED'
      : value.replace(userInfo, '$1REDACTED@')
  if (Array.isArray(value)) return value.map((inner: unknown) => withoutNamedSecrets(inner, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([field, inner]) => [field, withoutNamedSecrets(inner, field)]),
  )
}

/** The key of an entry, or its id when the key is secret or unset. */
export function nameOf(entity: Entity, entry: Entry): string {
  const { key } = entity
  if (key === undefined || entity.secret.includes(key)) return entry.id
  const name = entry.fields[key]
  return typeof name === 'string' ? name : entry.id
}
